//! The languages that the interface speaks.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// Its code in BCP 47.
    pub code: &'static str,
    /// What it calls itself.
    pub name: &'static str,
}

/// All of them; the first one is the language of the keys, which needs no file.
pub const LANGUAGES: [Language; 5] = [
    Language::new("en", "English"),
    Language::new("es", "Español"),
    Language::new("de", "Deutsch"),
    Language::new("ja", "日本語"),
    Language::new("ar", "العربية"),
];

impl Language {
    const fn new(code: &'static str, name: &'static str) -> Self {
        Self { code, name }
    }

    /// The language of a code, if the interface speaks it.
    pub fn find(code: &str) -> Option<Self> {
        LANGUAGES.into_iter().find(|language| language.code == code)
    }

    /// What to speak: what was chosen, or the first of what the reader's browser asks for that the interface speaks.
    pub fn choose<'a>(chosen: &str, wanted: impl Iterator<Item = &'a str>) -> Self {
        Self::find(chosen)
            .or_else(|| wanted.map(primary).find_map(Self::find))
            .unwrap_or(LANGUAGES[0])
    }

    /// The way that it is written: `rtl` or `ltr`.
    pub fn direction(self) -> &'static str {
        if self.code == "ar" { "rtl" } else { "ltr" }
    }

    /// The one of the reader's locales that is of this language, so that Austria's dates stay Austria's; or the language
    /// alone.
    pub fn locale<'a>(self, mut wanted: impl Iterator<Item = &'a str>) -> &'a str {
        wanted
            .find(|locale| primary(locale) == self.code)
            .unwrap_or(self.code)
    }
}

fn primary(locale: &str) -> &str {
    locale.split('-').next().unwrap_or(locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_counts_before_what_the_browser_asks_for() {
        let wanted = ["fr-FR", "de-AT", "es"];
        let choose = |chosen| Language::choose(chosen, wanted.into_iter()).code;
        assert_eq!(choose("ja"), "ja");
        assert_eq!(choose(""), "de");
        assert_eq!(choose("system"), "de");
        assert_eq!(Language::choose("", ["fr"].into_iter()).code, "en");
        assert_eq!(Language::choose("", [].into_iter()).code, "en");
    }

    #[test]
    fn dates_keep_the_readers_country() {
        let german = Language::find("de").unwrap_or(LANGUAGES[0]);
        assert_eq!(german.locale(["en-US", "de-AT"].into_iter()), "de-AT");
        assert_eq!(german.locale(["en-US"].into_iter()), "de");
        assert_eq!(german.direction(), "ltr");
    }
}
