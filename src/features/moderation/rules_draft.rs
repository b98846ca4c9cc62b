//! The rules of moderation as they are being edited.

use effusion_chat::moderation::Rules;

/// The rules, with their lists as texts of a line for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesDraft {
    /// The words.
    pub words: String,
    /// The patterns.
    pub patterns: String,
    /// The rest.
    pub rules: Rules,
}

impl From<&Rules> for RulesDraft {
    fn from(rules: &Rules) -> Self {
        Self {
            words: rules.words.join("\n"),
            patterns: rules.patterns.join("\n"),
            rules: rules.clone(),
        }
    }
}

impl RulesDraft {
    /// The rules that are written here.
    pub fn rules(&self) -> Rules {
        Rules {
            words: lines(&self.words),
            patterns: lines(&self.patterns),
            ..self.rules.clone()
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one() {
        let rules = Rules {
            words: vec!["heck".to_owned(), "darn*".to_owned()],
            mute_after: 3,
            ..Rules::default()
        };
        let mut draft = RulesDraft::from(&rules);
        assert_eq!(draft.words, "heck\ndarn*");
        assert_eq!(draft.rules(), rules);
        draft.patterns = " a+ \n\n\tb\n".to_owned();
        assert_eq!(draft.rules().patterns, ["a+", "b"]);
        assert_eq!(draft.rules().mute_after, 3);
    }
}
