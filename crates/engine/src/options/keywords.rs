//! The words that replies are searched for: built in, or from a file of the same form.

use std::{path::Path, sync::Arc};

use serde::Deserialize;
use volley_smpp::reply::{Effect, Keywords, Place};

use super::{FileError, file_error};

/// The table that holds where nobody gave another.
const BUILT_IN: &str = include_str!("../../data/keywords.toml");

/// `keywords.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeywordFile {
    words: Vec<WordsOptions>,
}

/// `[[words]]`: of some languages.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct WordsOptions {
    /// Which; for whoever reads the file.
    #[serde(rename = "languages")]
    _languages: Vec<String>,
    /// Only for senders there; for all when empty.
    countries: Vec<String>,
    opt_out: Vec<String>,
    opt_out_alone: Vec<String>,
    opt_in: Vec<String>,
    opt_in_alone: Vec<String>,
    help: Vec<String>,
}

impl WordsOptions {
    fn add_to(self, keywords: &mut Keywords) {
        let countries: Arc<[String]> = self.countries.into();
        let lists = [
            (self.opt_out, Effect::OptOut, Place::First),
            (self.opt_out_alone, Effect::OptOut, Place::Alone),
            (self.opt_in, Effect::OptIn, Place::First),
            (self.opt_in_alone, Effect::OptIn, Place::Alone),
            (self.help, Effect::Help, Place::Alone),
        ];
        for (words, effect, place) in lists {
            for word in words {
                keywords.add(&word, effect, place, &countries);
            }
        }
    }
}

fn table(file: KeywordFile) -> Keywords {
    let mut keywords = Keywords::default();
    for words in file.words {
        words.add_to(&mut keywords);
    }
    keywords
}

/// The built-in table.
///
/// # Panics
/// Never: a test reads the file that it is compiled from.
#[must_use]
pub fn built_in() -> Keywords {
    table(toml::from_str(BUILT_IN).expect("the built-in keywords can be read"))
}

/// The table in a file.
///
/// # Errors
/// When it can't be read, or a key or country is wrong.
pub fn load(path: &Path) -> Result<Keywords, FileError> {
    let (file, text) = file_error::read::<KeywordFile>(path)?;
    let unknown = file.words.iter().flat_map(|words| &words.countries).find(|country| {
        let is_written_right = country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase());
        !(is_written_right && volley_ingest::number::is_country(country))
    });
    match unknown {
        Some(country) => {
            let message = format!("`{country}` is no country: write two capital letters, such as \"DE\"");
            Err(FileError::new(path, message).at_key(&text, "countries"))
        }
        None => Ok(table(file)),
    }
}

#[cfg(test)]
mod tests {
    use volley_smpp::reply::Decision;

    use super::*;

    #[track_caller]
    fn check(text: &str, country: Option<&str>, expected: Decision) {
        assert_eq!(built_in().read(text, country).decision, expected, "{text}");
    }

    #[test]
    fn every_language_can_opt_out_and_ask_for_help() {
        for word in ["STOP", "Arrêt", "Baja", "SAIR", "abmelden bitte", "Annulla", "afmelden", "avsluta", "REZYGNUJĘ"]
        {
            check(word, None, Decision::OptOut);
        }
        for word in ["Zrušit", "відписатися", "إلغاء", "הסר", "band", "berhenti", "TD"] {
            check(word, None, Decision::OptOut);
        }
        check("İptal B002", None, Decision::OptOutScoped);
        for word in [
            "help",
            "Aide",
            "¡AYUDA!",
            "ajuda",
            "hilfe",
            "aiuto",
            "hjælp",
            "pomoc",
            "допомога",
            "yardım",
            "مساعدة",
            "madad",
        ] {
            check(word, None, Decision::Help);
        }
        check("red", Some("GB"), Decision::None);
        check("red", Some("TR"), Decision::OptOut);
    }

    #[test]
    fn a_file_replaces_the_table_and_its_mistakes_are_placed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keywords.toml");
        std::fs::write(&path, "[[words]]\nopt-out = [\"weg\"]\n").unwrap();
        let keywords = load(&path).unwrap();
        assert_eq!(keywords.read("WEG damit", None).decision, Decision::OptOut);
        assert_eq!(keywords.read("STOP", None).decision, Decision::None);
        for (text, expected) in [
            ("[[words]]\nopt-uot = []\n", "keywords.toml:2:1: unknown field `opt-uot`"),
            ("[[words]]\ncountries = [\"Turkey\"]\n", "keywords.toml:2:1: `Turkey` is no country"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
