//! What a reply asks for: STOP, START, HELP and their like (HANDBOOK D.3). Which words there are
//! is the caller's; this is the rule.

use std::{collections::HashMap, sync::Arc};

use super::fold::{Hyphens, fold};

/// What a word of the table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// No more messages.
    OptOut,
    /// Messages again.
    OptIn,
    /// Who is this?
    Help,
}

/// Where a word of the table must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The whole text: weak words, which mean something else in a sentence.
    Alone,
    /// The first word of any text, too: strong words.
    First,
}

/// What a reply asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Decision {
    /// Nothing that we know.
    #[default]
    None,
    /// No more messages.
    OptOut,
    /// No more messages of the campaign or sender that a token names.
    OptOutScoped,
    /// Messages again.
    OptIn,
    /// Messages again, if the number has opted out; else nothing.
    OptInIfOptedOut,
    /// Who is this?
    Help,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::None, Self::OptOut, Self::OptOutScoped, Self::OptIn, Self::OptInIfOptedOut, Self::Help];

    /// The word in JSON and CSV; a promise.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OptOut => "opt_out",
            Self::OptOutScoped => "opt_out_scoped",
            Self::OptIn => "opt_in",
            Self::OptInIfOptedOut => "opt_in_if_opted_out",
            Self::Help => "help",
        }
    }

    /// From [`Decision::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.name() == name)
    }
}

/// What a text was read as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// What it asks for.
    pub decision: Decision,
    /// The word that decided, folded.
    pub word: Option<String>,
    /// The token behind a scoped opt-out, folded.
    pub scope: Option<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    effect: Effect,
    place: Place,
    /// Only for senders of these countries; empty for all.
    countries: Arc<[String]>,
}

/// A table of words.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    words: HashMap<String, Vec<Entry>>,
}

impl Keywords {
    /// Adds a word, or several with blanks between them. `countries`: ISO 3166, two capital
    /// letters; the word counts only for senders there, or for all when there are none.
    pub fn add(&mut self, word: &str, effect: Effect, place: Place, countries: &Arc<[String]>) {
        let entry = Entry { effect, place, countries: Arc::clone(countries) };
        // "OPT-OUT" in the table stands for both ways in which a text may be folded.
        let (joined, parted) = (fold(word, Hyphens::Join), fold(word, Hyphens::Part));
        if joined != parted {
            self.words.entry(parted).or_default().push(entry.clone());
        }
        if !joined.is_empty() {
            self.words.entry(joined).or_default().push(entry);
        }
    }

    /// Reads a text. `country` of the sender: where it isn't known, every country's words count,
    /// because an opt-out that is missed is worse than one too many.
    #[must_use]
    pub fn read(&self, text: &str, country: Option<&str>) -> Reading {
        let forms = [Hyphens::Join, Hyphens::Part].map(|hyphens| fold(text, hyphens));
        let alone = forms.iter().find_map(|form| self.alone(form, country));
        alone.or_else(|| forms.iter().find_map(|form| self.first(form, country))).unwrap_or_default()
    }

    fn find(&self, word: &str, country: Option<&str>) -> impl Iterator<Item = &Entry> {
        let is_there = move |entry: &&Entry| match country {
            Some(country) if !entry.countries.is_empty() => entry.countries.iter().any(|known| known == country),
            _ => true,
        };
        self.words.get(word).into_iter().flatten().filter(is_there)
    }

    /// The whole text is one word of the table. Where a word is in it for several things, an
    /// opt-out goes before all else.
    fn alone(&self, form: &str, country: Option<&str>) -> Option<Reading> {
        let rank = |entry: &&Entry| match entry.effect {
            Effect::OptOut => 0,
            Effect::OptIn => 1,
            Effect::Help => 2,
        };
        let entry = self.find(form, country).min_by_key(rank)?;
        let decision = match (entry.effect, entry.place) {
            (Effect::OptOut, _) => Decision::OptOut,
            (Effect::OptIn, Place::First) => Decision::OptIn,
            (Effect::OptIn, Place::Alone) => Decision::OptInIfOptedOut,
            (Effect::Help, _) => Decision::Help,
        };
        Some(Reading { decision, word: Some(form.to_owned()), scope: None })
    }

    /// A strong opt-out stands first. Nothing else counts there: whoever wants messages again
    /// must say so and nothing more.
    fn first(&self, form: &str, country: Option<&str>) -> Option<Reading> {
        let (word, rest) = form.split_once(' ')?;
        let is_strong = |entry: &Entry| entry.effect == Effect::OptOut && entry.place == Place::First;
        self.find(word, country).find(|entry| is_strong(entry))?;
        let is_token = !rest.contains(' ') && rest.contains(char::is_numeric);
        let decision = if is_token { Decision::OptOutScoped } else { Decision::OptOut };
        Some(Reading { decision, word: Some(word.to_owned()), scope: is_token.then(|| rest.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Keywords {
        let mut keywords = Keywords::default();
        let everywhere: Arc<[String]> = Arc::new([]);
        let turkey: Arc<[String]> = Arc::new(["TR".to_owned()]);
        for word in ["STOP", "OPT-OUT"] {
            keywords.add(word, Effect::OptOut, Place::First, &everywhere);
        }
        keywords.add("end", Effect::OptOut, Place::Alone, &everywhere);
        keywords.add("red", Effect::OptOut, Place::First, &turkey);
        keywords.add("start", Effect::OptIn, Place::First, &everywhere);
        keywords.add("yes", Effect::OptIn, Place::Alone, &everywhere);
        keywords.add("help", Effect::Help, Place::First, &everywhere);
        keywords
    }

    #[track_caller]
    fn check(text: &str, country: Option<&str>, decision: Decision, scope: Option<&str>) {
        let reading = table().read(text, country);
        assert_eq!((reading.decision, reading.scope.as_deref()), (decision, scope), "{text}");
    }

    #[test]
    fn strong_words_count_in_front_and_weak_ones_alone() {
        check("Stop sending me this", None, Decision::OptOut, None);
        check("stop-it", None, Decision::OptOut, None);
        check("opt-out please", None, Decision::OptOut, None);
        check("Opt out", None, Decision::OptOut, None);
        check("END", None, Decision::OptOut, None);
        check("end of story", None, Decision::None, None);
        check("please don't stop", None, Decision::None, None);
        check("stopping by", None, Decision::None, None);
    }

    #[test]
    fn a_token_with_digits_names_a_scope() {
        check("STOP 12345", None, Decision::OptOutScoped, Some("12345"));
        check("stop acme7", None, Decision::OptOutScoped, Some("ACME7"));
        check("stop 5 times", None, Decision::OptOut, None);
        check("end 5", None, Decision::None, None);
    }

    #[test]
    fn messages_come_again_only_for_those_who_say_so_and_nothing_else() {
        check("Start", None, Decision::OptIn, None);
        check("start of the sale?", None, Decision::None, None);
        check("yes", None, Decision::OptInIfOptedOut, None);
        check("yes please", None, Decision::None, None);
        check("HELP!", None, Decision::Help, None);
    }

    #[test]
    fn a_countrys_words_count_there_and_where_the_country_is_unknown() {
        check("RED", Some("TR"), Decision::OptOut, None);
        check("RED", Some("GB"), Decision::None, None);
        check("RED", None, Decision::OptOut, None);
        check("STOP", Some("GB"), Decision::OptOut, None);
    }
}
