//! What the tags of a text name, and where: the library says so only when a row comes by.

/// A word inside a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Its first octet in the text.
    pub(super) at: usize,
    pub(super) role: Role,
}

/// What a word is by the signs and words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Behind `|`.
    Filter,
    /// Behind `is` or `is not`.
    Test,
    /// Behind a point, or before `=`: a part of something else.
    Part,
    /// A column, a word of the language, or a name that the text made.
    Name,
}

/// Every word of every tag, in order. Comments, texts in quotes and what stands between
/// `{% raw %}` and `{% endraw %}` have none.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(begin) = ["{{", "{%", "{#"].iter().filter_map(|mark| find(text, at, mark)).min() {
        let inner = begin + 2;
        if text.get(begin..inner) == Some("{#") {
            at = find(text, inner, "#}").map_or(text.len(), |end| end + 2);
            continue;
        }
        let is_block = text.get(begin..inner) == Some("{%");
        let n_before = words.len();
        at = tag(text, inner, is_block, &mut words);
        let first = words.get(n_before).map(|word: &Word<'_>| word.text);
        if is_block && first == Some("raw") {
            at = find(text, at, "{% endraw").or_else(|| find(text, at, "{%- endraw")).unwrap_or(text.len());
        }
    }
    words
}

fn find(text: &str, from: usize, what: &str) -> Option<usize> {
    Some(from + text.get(from..)?.find(what)?)
}

/// The words of one tag; gives where it ends.
fn tag<'a>(text: &'a str, from: usize, is_block: bool, words: &mut Vec<Word<'a>>) -> usize {
    let end = if is_block { "%}" } else { "}}" };
    let mut at = from;
    // The last sign that isn't a blank, and the last word.
    let (mut sign, mut before): (Option<char>, &str) = (None, "");
    let mut n_words = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(end) {
            return at + end.len();
        }
        let Some(c) = rest.chars().next() else { break };
        if c == '"' || c == '\'' {
            at += quoted(rest, c);
            (sign, before) = (Some(c), "");
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(len);
            let is_argument = after.trim_start().starts_with('=') && !after.trim_start().starts_with("==");
            let role = match (sign, before) {
                (Some('|'), _) => Role::Filter,
                (None, "filter") if is_block && n_words == 1 => Role::Filter,
                (Some('.'), _) => Role::Part,
                (None, "is") if word != "not" => Role::Test,
                (_, _) if is_argument && !(is_block && before == "set") => Role::Part,
                (_, _) => Role::Name,
            };
            words.push(Word { text: word, at, role });
            n_words += 1;
            at += len;
            // `is not`: what follows is a test all the same.
            before = if word == "not" && before == "is" { "is" } else { word };
            sign = None;
        } else {
            if !c.is_whitespace() {
                (sign, before) = (Some(c), "");
            }
            at += c.len_utf8();
        }
    }
    text.len()
}

/// Octets of a text in quotes, with both of them.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            c if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_roles() {
        let text = "a {{ x | upper }} {# y | no #} {% if b is not defined and c.d == 'q | z' %}{{ e|date(\"%}}\", locale='fr') }}{% raw %}{{ w }}{% endraw %}";
        let found: Vec<_> = words(text).iter().map(|word| (word.text, word.role)).collect();
        let expected = [
            ("x", Role::Name),
            ("upper", Role::Filter),
            ("if", Role::Name),
            ("b", Role::Name),
            ("is", Role::Name),
            ("not", Role::Name),
            ("defined", Role::Test),
            ("and", Role::Name),
            ("c", Role::Name),
            ("d", Role::Part),
            ("e", Role::Name),
            ("date", Role::Filter),
            ("locale", Role::Part),
            ("raw", Role::Name),
            ("endraw", Role::Name),
        ];
        assert_eq!(found, expected);
        assert!(words(text).iter().all(|word| text[word.at..].starts_with(word.text)));
    }

    #[test]
    fn whatever_is_broken_ends() {
        for text in ["{{", "{% 'x", "{# ", "{{ a | ", "{{ \"\\", "{% raw %}", "{{ ü", "}} %}"] {
            let _ = words(text);
        }
    }
}
