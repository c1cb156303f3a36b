//! The text of a receipt (SMPP 3.4, Appendix B; HANDBOOK C.3): a suggestion, so read tolerantly.

/// The values found, as they stand in the text. A label without a value has an empty one: the
/// label was there, and no later one can take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptText<'a> {
    /// The carrier's id of the message.
    pub id: Option<&'a [u8]>,
    /// Messages submitted.
    pub sub: Option<&'a [u8]>,
    /// Messages delivered.
    pub dlvrd: Option<&'a [u8]>,
    /// When it was submitted.
    pub submit_date: Option<&'a [u8]>,
    /// When it reached its final state.
    pub done_date: Option<&'a [u8]>,
    /// Its state in a word.
    pub stat: Option<&'a [u8]>,
    /// The carrier's error code.
    pub err: Option<&'a [u8]>,
    /// The beginning of the message.
    pub text: Option<&'a [u8]>,
}

impl ReceiptText<'_> {
    /// [`ReceiptText::sub`] or [`ReceiptText::dlvrd`] as a number, if it is one. Carriers write
    /// nonsense there, so nothing should depend on it.
    #[must_use]
    pub fn count(field: Option<&[u8]>) -> Option<u32> {
        std::str::from_utf8(field?).ok()?.parse().ok()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

const LABELS: [(&[u8], Label); 12] = [
    (b"id", Label::Id),
    (b"sub", Label::Sub),
    (b"dlvrd", Label::Dlvrd),
    (b"submit date", Label::SubmitDate),
    (b"submit_date", Label::SubmitDate),
    (b"submitdate", Label::SubmitDate),
    (b"done date", Label::DoneDate),
    (b"done_date", Label::DoneDate),
    (b"donedate", Label::DoneDate),
    (b"stat", Label::Stat),
    (b"err", Label::Err),
    (b"text", Label::Text),
];

/// Reads a receipt's text: labels in any order and case, the first of each counts. What stands
/// behind `text:` was written by whoever wrote the message and can't forge a field once id and
/// state are known.
#[must_use]
pub fn parse_text(octets: &[u8]) -> ReceiptText<'_> {
    let mut found = ReceiptText::default();
    let mut at = 0;
    while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
        let preceded = at.checked_sub(1).and_then(|before| octets.get(before));
        let Some((label, n)) = label_at(rest).filter(|_| !preceded.is_some_and(u8::is_ascii_alphanumeric)) else {
            at += 1;
            continue;
        };
        let value_at = at + n;
        let behind = octets.get(value_at..).unwrap_or_default();
        if label == Label::Text {
            if found.id.is_some() && found.stat.is_some() {
                found.text.get_or_insert(super::trim(behind));
                break;
            }
            let end = (0..behind.len()).find(|at| next_label(behind, *at)).unwrap_or(behind.len());
            found.text.get_or_insert(super::trim(behind.get(..end).unwrap_or(behind)));
            at = value_at;
            continue;
        }
        let value = first_word(behind);
        let slot = match label {
            Label::Id => &mut found.id,
            Label::Sub => &mut found.sub,
            Label::Dlvrd => &mut found.dlvrd,
            Label::SubmitDate => &mut found.submit_date,
            Label::DoneDate => &mut found.done_date,
            Label::Stat => &mut found.stat,
            Label::Err | Label::Text => &mut found.err,
        };
        slot.get_or_insert(value);
        at = value_at;
    }
    found
}

fn next_label(octets: &[u8], at: usize) -> bool {
    let preceded = at.checked_sub(1).and_then(|before| octets.get(before));
    !preceded.is_some_and(u8::is_ascii_alphanumeric) && octets.get(at..).is_some_and(|rest| label_at(rest).is_some())
}

/// A label with its colon, and the octets that both take.
fn label_at(octets: &[u8]) -> Option<(Label, usize)> {
    // Most octets begin no label: one comparison tells.
    if !matches!(octets.first()?.to_ascii_lowercase(), b'i' | b's' | b'd' | b'e' | b't') {
        return None;
    }
    LABELS.iter().find_map(|(name, label)| {
        let (head, rest) = octets.split_at_checked(name.len())?;
        if !head.eq_ignore_ascii_case(name) {
            return None;
        }
        let blanks = rest.iter().take_while(|octet| **octet == b' ').count();
        (rest.get(blanks) == Some(&b':')).then_some((*label, name.len() + blanks + 1))
    })
}

/// The first word behind a label; empty when another label or the end comes first.
fn first_word(octets: &[u8]) -> &[u8] {
    let blanks = octets.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let rest = octets.get(blanks..).unwrap_or_default();
    if label_at(rest).is_some() {
        return &[];
    }
    let end = rest.iter().position(|octet| octet.is_ascii_whitespace() || *octet == 0).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(text: &'a ReceiptText<'_>) -> [&'a str; 4] {
        [text.id, text.stat, text.err, text.text].map(|value| std::str::from_utf8(value.unwrap_or(b"-")).unwrap())
    }

    #[test]
    fn any_order_and_case() {
        let text = parse_text(b"ID:7 SUB:001 DLVRD:001 submit date:0809011130 done date:0809011131 STAT:DELIVRD ERR:0000 Text:hello there");
        assert_eq!(words(&text), ["7", "DELIVRD", "0000", "hello there"]);
        assert_eq!(text.done_date, Some(&b"0809011131"[..]));
        assert_eq!((ReceiptText::count(text.sub), ReceiptText::count(Some(b"x"))), (Some(1), None));
        assert_eq!(words(&parse_text(b"stat:EXPIRED\nerr: 12a\nid: 0-9f")), ["0-9f", "EXPIRED", "12a", "-"]);
        assert_eq!(words(&parse_text(b"id: stat:DELIVRD err:")), ["", "DELIVRD", "", "-"]);
    }

    #[test]
    fn the_message_can_not_forge_a_field() {
        let text = parse_text(b"id:777 stat:UNDELIV err:005 text:id:999 stat:DELIVRD err:000");
        assert_eq!(words(&text), ["777", "UNDELIV", "005", "id:999 stat:DELIVRD err:000"]);
        // Also when the carrier gives no id.
        let text = parse_text(b"id: stat:UNDELIV err:005 text:id:999 err:000");
        assert_eq!(words(&text), ["", "UNDELIV", "005", "id:999 err:000"]);
    }

    #[test]
    fn a_cut_or_foreign_text_is_read_as_far_as_it_goes() {
        assert_eq!(words(&parse_text(b"id:123 sub:001 dlvrd:001 submit da")), ["123", "-", "-", "-"]);
        assert_eq!(parse_text(b"avoid:5 void"), ReceiptText::default());
        assert_eq!(parse_text(&[0xFF, 0x1B, 0, b':']), ReceiptText::default());
    }
}
