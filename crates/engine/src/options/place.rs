//! From a place in a text to its place in the campaign file.

use serde::Deserialize;
use toml::Spanned;

use super::message::TextKey;

/// As much of a campaign file as holds texts.
#[derive(Deserialize)]
struct Texts {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    text: Option<Spanned<String>>,
    #[serde(default, rename = "variant")]
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    text: Spanned<String>,
}

/// The octet of `file` at which the octet `at` of a text stands.
pub(crate) fn place_in_text(file: &str, key: TextKey, at: usize) -> Option<usize> {
    let texts: Texts = toml::from_str(file).ok()?;
    let text = match key {
        TextKey::Message => texts.message.text?,
        TextKey::Variant(index) => texts.message.variants.into_iter().nth(index)?.text,
    };
    let begin = text.span().start;
    Some(begin + octet_of_literal(file.get(text.span())?, at))
}

/// The octet of a TOML string, quotes and escapes and all, at which octet `at` of its value stands.
fn octet_of_literal(literal: &str, at: usize) -> usize {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| literal.starts_with(quotes)).unwrap_or("");
    let mut octet = quotes.len();
    if quotes.len() == 3 {
        // The line end behind the quotes doesn't count.
        let rest = literal.get(octet..).unwrap_or_default();
        octet += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let has_escapes = quotes.starts_with('"');
    let mut value_octet = 0;
    while value_octet < at {
        let Some(rest) = literal.get(octet..).filter(|rest| !rest.is_empty()) else { break };
        let (n_literal, n_value) = if has_escapes && rest.starts_with('\\') { escape(rest) } else { plain(rest) };
        octet += n_literal;
        value_octet += n_value;
    }
    octet
}

/// Octets of the literal and of what it stands for.
fn plain(rest: &str) -> (usize, usize) {
    let len = rest.chars().next().map_or(1, char::len_utf8);
    (len, len)
}

fn escape(rest: &str) -> (usize, usize) {
    let digits = match rest.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(c) if c.is_ascii_whitespace() => {
            let blanks = rest.bytes().skip(1).take_while(u8::is_ascii_whitespace).count();
            return (1 + blanks, 0);
        }
        Some(_) | None => return (2, 1),
    };
    let code = rest.get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (2 + digits, code.and_then(char::from_u32).map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str) {
        let file = format!("[message]\nsender = \"x\"\ntext = {literal}\n");
        let value = toml::from_str::<Texts>(&file).unwrap().message.text.unwrap().into_inner();
        let at = value.find("{{").unwrap();
        let octet = place_in_text(&file, TextKey::Message, at).unwrap();
        assert!(file[octet..].starts_with("{{"), "{literal}: {:?}", &file[octet..]);
    }

    #[test]
    fn places_are_found_behind_escapes_and_line_ends() {
        check("\"a {{ b }}\"");
        check("'a \\n {{ b }}'");
        check("\"a\\n\\\"\\u00e9\\U0001F600 é {{ b }}\"");
        check("\"\"\"\na\n{{ b }}\"\"\"");
        check("\"\"\"a \\\n   b \\t {{ b }}\"\"\"");
        check("'''\r\n\r\n\\{{ b }}'''");
        let file =
            "[message]\nsender = \"x\"\n[[message.variant]]\ntext = \"a\"\n[[message.variant]]\ntext = \"b {{ c\"\n";
        let octet = place_in_text(file, TextKey::Variant(1), 2).unwrap();
        assert!(file[octet..].starts_with("{{ c"));
    }
}
