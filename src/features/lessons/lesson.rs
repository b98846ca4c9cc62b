//! What the tutorial's lessons teach, and the calls that show that it was done.

use crate::i18n::{Message, messages};

/// One thing to do, and the call of Diffusion's API that it makes.
#[derive(Debug)]
pub struct Step {
    /// What to do.
    pub text: &'static Message,
    /// How the call begins.
    start: &'static str,
    /// What it also has in it.
    contains: &'static str,
}

/// One lesson.
#[derive(Debug)]
pub struct Lesson {
    /// Its title.
    pub title: &'static Message,
    /// What it is about.
    pub text: &'static Message,
    /// What to do, in order.
    pub steps: &'static [Step],
    /// The page of the manual.
    pub manual: &'static str,
    /// The title of that page.
    pub manual_title: &'static Message,
}

/// The tutorial's three lessons.
pub static LESSONS: [Lesson; 3] = [
    Lesson {
        title: &messages::lesson_1_title,
        text: &messages::lesson_1_text,
        steps: &[
            step(&messages::lesson_1_join, "topics.add(\"Chat/", ", JSON"),
            step(&messages::lesson_1_select, "select(\">Chat/", ""),
            step(&messages::lesson_1_send, "topicUpdate.set(\"Chat/", ""),
        ],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/introduction/overview/topics_data.html",
        manual_title: &messages::lesson_1_manual,
    },
    Lesson {
        title: &messages::lesson_2_title,
        text: &messages::lesson_2_text,
        steps: &[
            step(
                &messages::lesson_2_join,
                "topics.add(\"Chat/",
                "TIME_SERIES",
            ),
            step(&messages::lesson_2_send, "timeseries.append(\"Chat/", ""),
            step(&messages::lesson_2_edit, "timeseries.edit(\"Chat/", ""),
            step(&messages::lesson_2_scroll, "timeseries.rangeQuery()", ""),
        ],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/designguide/data/topics/timeseries_topics.html",
        manual_title: &messages::lesson_2_manual,
    },
    Lesson {
        title: &messages::lesson_3_title,
        text: &messages::lesson_3_text,
        steps: &[step(
            &messages::lesson_3_create,
            "security.updateAuthenticationStore(",
            "",
        )],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/developerguide/client/basics/uci_session_properties.html",
        manual_title: &messages::lesson_3_manual,
    },
];

const fn step(text: &'static Message, start: &'static str, contains: &'static str) -> Step {
    Step {
        text,
        start,
        contains,
    }
}

impl Step {
    /// Whether a call is what this step makes.
    pub fn is_made_by(&self, call: &str) -> bool {
        call.starts_with(self.start) && call.contains(self.contains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_belong_to_steps() {
        let made = |call: &str| -> Vec<&str> {
            let steps = LESSONS.iter().flat_map(|lesson| lesson.steps);
            let made = steps.filter(|step| step.is_made_by(call));
            made.map(|step| step.text.key).collect()
        };
        assert_eq!(made("topics.add(\"Chat/Tea\", JSON)"), ["lesson_1_join"]);
        assert_eq!(
            made("topics.add(\"Chat/Tea\", TIME_SERIES)"),
            ["lesson_2_join"]
        );
        assert_eq!(
            made("timeseries.append(\"Chat/Tea\", {})"),
            ["lesson_2_send"]
        );
        assert!(made("topics.add(\"Effusion/rooms/Tea\", JSON)").is_empty());
    }
}
