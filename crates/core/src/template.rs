//! Campaign texts with `{{ column }}` placeholders, split once into literal and column parts.

use std::ops::Range;

/// A text split into parts; rendering copies them into a buffer and allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Index into `columns`, unless it got another number.
    Column(usize),
}

/// Why a text is no template. Positions are in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without its `}}`.
    #[error("text, character {position}: `{{{{` is never closed: write `{{{{ column }}}}`")]
    Unclosed {
        /// Where the `{{` stands.
        position: usize,
    },
    /// Nothing between the braces.
    #[error("text, character {position}: a placeholder without a column name")]
    Empty {
        /// Where the `{{` stands.
        position: usize,
    },
    /// More than a plain name between the braces, or a `{% %}` block.
    #[error(
        "text, character {position}: `{found}` is not supported: a placeholder is a plain column name such as `{{{{ first_name }}}}`"
    )]
    NotPlain {
        /// Where it stands.
        position: usize,
        /// What stands there.
        found: String,
    },
}

impl Template {
    /// Splits `text`.
    ///
    /// # Errors
    /// When a placeholder is not closed, empty, or more than a column's name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self { parts: Vec::new(), columns: Vec::new() };
        let mut rest = text;
        while let Some(start) = next_marker(rest) {
            let (literal, marked) = rest.split_at(start);
            let position = text.chars().count() - marked.chars().count() + 1;
            template.push_literal(literal);
            let Some(inner) = marked.strip_prefix("{{") else {
                let end = marked.find('}').map_or(marked.len(), |at| at + 1);
                let found = marked.get(..end).unwrap_or(marked).to_owned();
                return Err(TemplateError::NotPlain { position, found });
            };
            let (name, after) = inner.split_once("}}").ok_or(TemplateError::Unclosed { position })?;
            let name = name.trim();
            if name.is_empty() {
                return Err(TemplateError::Empty { position });
            }
            if !is_column_name(name) || is_expression(name) {
                return Err(TemplateError::NotPlain { position, found: name.to_owned() });
            }
            template.push_column(name);
            rest = after;
        }
        template.push_literal(rest);
        Ok(template)
    }

    /// The columns named, each once, in order of first use.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The same template among others that share their columns: `index` gives each of
    /// [`Template::columns`] another number, by which values are asked for and told of from now on.
    #[must_use]
    pub fn renumbered(mut self, mut index: impl FnMut(&str) -> usize) -> Self {
        let numbers: Vec<usize> = self.columns.iter().map(|name| index(name)).collect();
        for part in &mut self.parts {
            if let Part::Column(number) = part {
                *number = numbers.get(*number).copied().unwrap_or(*number);
            }
        }
        self
    }

    /// The numbers that values are asked for by, as often as the text names them.
    pub fn numbers(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(number) => Some(*number),
            Part::Literal(_) => None,
        })
    }

    /// Appends the text to `out`; `value` gives the column with that index of
    /// [`Template::columns`].
    pub fn render<'a>(&self, out: &mut String, value: impl FnMut(usize) -> &'a str) {
        self.render_marking(out, value, |_, _| {});
    }

    /// The same; `placed` is told where in `out` the value of each column came to stand, in octets
    /// and in order.
    pub fn render_marking<'a>(
        &self,
        out: &mut String,
        mut value: impl FnMut(usize) -> &'a str,
        mut placed: impl FnMut(usize, Range<usize>),
    ) {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Column(index) => {
                    let start = out.len();
                    out.push_str(value(*index));
                    placed(*index, start..out.len());
                }
            }
        }
    }

    fn push_literal(&mut self, text: &str) {
        if !text.is_empty() {
            self.parts.push(Part::Literal(text.to_owned()));
        }
    }

    fn push_column(&mut self, name: &str) {
        let known = self.columns.iter().position(|column| column == name);
        let index = known.unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        });
        self.parts.push(Part::Column(index));
    }
}

fn next_marker(text: &str) -> Option<usize> {
    ["{{", "{%", "{#"].iter().filter_map(|marker| text.find(marker)).min()
}

/// Whatever a CSV header may hold, except what other template languages give a meaning.
fn is_column_name(name: &str) -> bool {
    !name.chars().any(|c| c.is_control() || "{}|()[]<>\"'%,=+*/\\".contains(c))
}

/// Signs and words that make more of a name where template languages with logic read it.
fn is_expression(name: &str) -> bool {
    name.starts_with('-') || name.ends_with('-') || name.split(' ').any(|word| WORDS.contains(&word))
}

const WORDS: [&str; 8] = ["if", "else", "or", "and", "not", "is", "in", "~"];

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, values: &[&str]) -> String {
        let template = Template::parse(text).unwrap();
        let mut out = String::new();
        template.render(&mut out, |index| values[index]);
        out
    }

    #[test]
    fn placeholders_are_filled_in_order_of_first_use() {
        assert_eq!(rendered("Hi {{ a }}, {{b}} and {{a}}!", &["X", "Y"]), "Hi X, Y and X!");
        assert_eq!(rendered("{{ first name }} {x}", &["Zoë"]), "Zoë {x}");
        assert_eq!(rendered("", &[]), "");
    }

    #[test]
    fn values_are_marked_where_they_stand() {
        let mut out = "Hü ".to_owned();
        let mut places = Vec::new();
        let template = Template::parse("{{ a }}-{{ b }}{{ a }}").unwrap();
        template.render_marking(&mut out, |index| ["ä", "x"][index], |index, place| places.push((index, place)));
        assert_eq!((out.as_str(), places), ("Hü ä-xä", vec![(0, 4..6), (1, 7..8), (0, 8..10)]));
    }

    #[test]
    fn templates_can_share_their_columns() {
        let mut names: Vec<String> = Vec::new();
        let mut share = |text: &str| {
            Template::parse(text).unwrap().renumbered(|name| {
                names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                })
            })
        };
        let (first, second) = (share("{{ a }}{{ b }}"), share("{{ c }}{{ b }}{{ c }}"));
        let mut out = String::new();
        second.render(&mut out, |index| ["A", "B", "C"][index]);
        assert_eq!((out.as_str(), names), ("CBC", ["a", "b", "c"].map(str::to_owned).to_vec()));
        assert_eq!((first.numbers().collect(), second.numbers().collect()), (vec![0, 1], vec![2, 1, 2]));
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        assert_eq!(rendered("{{ a }}", &["{{ b }}"]), "{{ b }}");
    }

    #[test]
    fn errors_say_where() {
        let error = |text| Template::parse(text).unwrap_err();
        assert_eq!(error("Hü {{ a"), TemplateError::Unclosed { position: 4 });
        assert_eq!(error("{{ }}"), TemplateError::Empty { position: 1 });
        assert_eq!(error("x{{ a | upper }}"), TemplateError::NotPlain { position: 2, found: "a | upper".into() });
        for found in ["a or b", "a if b else c", "a ~ b", "- a"] {
            let refused = Template::parse(&format!("{{{{ {found} }}}}")).unwrap_err();
            assert_eq!(refused, TemplateError::NotPlain { position: 1, found: found.into() });
        }
        assert_eq!(error("x{% if a %}"), TemplateError::NotPlain { position: 2, found: "{% if a %}".into() });
    }
}
