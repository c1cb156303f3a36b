//! A text as keywords are looked for in it: no case, no accents, no punctuation, nothing invisible.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// What a hyphen between two letters becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hyphens {
    /// Nothing: `OPT-OUT` is one word.
    Join,
    /// A blank, as other punctuation.
    Part,
}

/// The words of a text in capital letters, one blank between them.
pub(super) fn fold(text: &str, hyphens: Hyphens) -> String {
    let visible = text.nfkc().filter(|c| !is_format(*c));
    let bare = visible.nfd().filter(|c| !is_combining_mark(*c));
    let mut folded = String::with_capacity(text.len());
    let mut is_apart = false;
    for c in bare.flat_map(char::to_uppercase).nfkc() {
        if c.is_alphanumeric() {
            if is_apart && !folded.is_empty() {
                folded.push(' ');
            }
            is_apart = false;
            folded.push(c);
        } else if !(hyphens == Hyphens::Join && is_hyphen(c)) {
            is_apart = true;
        }
    }
    folded
}

const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Unicode's category Cf: marks that nobody sees, such as the zero-width space's neighbours.
const fn is_format(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}'
        | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1345F}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}' | '\u{E0020}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_becomes_plain_words() {
        for (text, expected) in [
            ("  Stop.  now!", "STOP NOW"),
            ("«ARRÊT»", "ARRET"),
            ("ＳＴＯＰ", "STOP"),
            ("S\u{200B}T\u{AD}OP", "STOP"),
            ("don't", "DON T"),
            ("ıptal İPTAL", "IPTAL IPTAL"),
            ("стоп", "СТОП"),
            ("إلغاء", "الغاء"),
            ("👍🏽 …", ""),
        ] {
            assert_eq!(fold(text, Hyphens::Part), expected);
        }
        assert_eq!(fold("opt-out - now", Hyphens::Join), "OPTOUT NOW");
        assert_eq!(fold("opt-out", Hyphens::Part), "OPT OUT");
    }
}
