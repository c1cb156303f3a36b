//! That nobody on a list is swallowed, swapped for somebody else, or addressed by half a name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use volley_ingest::{
    Error, Frozen, ListOptions, Plan, PlanChunk, Rejection, Rejects, RowCheck, RowFacts, RowView, freeze,
    number::normalise,
};

struct AcceptAll;

impl RowCheck for AcceptAll {
    type Scratch = ();

    fn check(&self, _row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1, ..RowFacts::default() })
    }
}

fn freeze_bytes(dir: &Path, list: &[u8]) -> Result<Frozen, Error> {
    let path = dir.join("list.csv");
    fs::write(&path, list).unwrap();
    let options = ListOptions {
        default_country: Some("DE".to_owned()),
        columns: vec!["name".to_owned()],
        ..ListOptions::new(path, "phone")
    };
    freeze(&options, &AcceptAll, &dir.join("plan"), &mut |_| ())
}

/// Freezes a list; lines and numbers of the valid rows, lines and codes of the others.
#[track_caller]
fn check(list: &[u8], expected_valid: &[(u64, &str)], expected_rejected: &[(u64, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    freeze_bytes(dir.path(), list).unwrap();
    let plan = Plan::open(&dir.path().join("plan")).unwrap();
    let mut chunk = PlanChunk::default();
    plan.read_chunk(0, &mut chunk).unwrap();
    let valid = (0..100).map_while(|offset| chunk.row(offset)).map(|row| (row.line, row.msisdn.unwrap().to_string()));
    let valid: Vec<_> = valid.take(expected_valid.len()).collect();
    assert_eq!(valid, expected_valid.iter().map(|(line, number)| (*line, (*number).to_owned())).collect::<Vec<_>>());
    let rejects = Rejects::open(&dir.path().join("plan"), "phone").unwrap();
    let rejected: Vec<_> = rejects.map(|row| row.unwrap()).map(|row| (row.line, row.code)).collect();
    assert_eq!(rejected, expected_rejected.iter().map(|(line, code)| (*line, (*code).to_owned())).collect::<Vec<_>>());
}

#[test]
fn letters_do_not_become_digits_of_a_recipient() {
    let list = "phone,name\n0151 1234abcd,a\n+49 151 ANNA5678,b\n+1 415 FLOWERS,c\n0151 12345o78,d\n\
                mobile: 0151 12345678,e\n0151 12345679 ext. 5,f\n0151 12345670 x 5,g\ntel:+4915112345671,h\n";
    let valid = [(6, "4915112345678"), (7, "4915112345679"), (8, "4915112345670"), (9, "4915112345671")];
    check(list.as_bytes(), &valid, &[2, 3, 4, 5].map(|line| (line, "invalid-number")));
}

#[test]
fn letters_are_told_and_the_number_is_still_read() {
    let number = normalise("1 800 FLOWERS", Some("US")).unwrap();
    assert_eq!((number.msisdn.to_string().as_str(), number.has_letters), ("18003569377", true));
    for raw in ["0xx11 98765-4321", "11 98765-4321 ramal 5"] {
        let number = normalise(raw, Some("BR"));
        assert!(number.is_err() || number.is_ok_and(|number| !number.has_letters), "{raw}");
    }
    assert!(!normalise("4915112345678 ext 5", None).unwrap().has_letters);
}

#[test]
fn a_character_cut_in_two_by_a_delimiter_is_not_utf8() {
    let rows: String = (0..300).map(|n| format!("Anna,x,0151 1{n:07}\n")).collect();
    let list = [b"name,other,phone\nJ\xC3,\xBCrgen,0151 12345678\n".as_slice(), rows.as_bytes()].concat();
    check(&list, &[(3, "4915110000000")], &[(2, "not-utf8")]);
}

#[test]
fn lines_are_those_of_the_file_whatever_ends_them() {
    let valid = [(2, "4915112345678"), (5, "4915112345679"), (7, "4915112345670")];
    for end in ["\n", "\r\n", "\r"] {
        let list = "phone,name|0151 12345678,a|12,b||0151 12345679,\"c|d\"|0151 12345670,e|";
        check(list.replace('|', end).as_bytes(), &valid, &[(3, "invalid-number")]);
    }
    let mixed = b"phone,name\r\n0151 12345678,a\r12,b\n\r\n0151 12345679,\"c\rd\"\r\r\n\n0151 12345670,e";
    check(mixed, &[(2, "4915112345678"), (5, "4915112345679"), (9, "4915112345670")], &[(3, "invalid-number")]);
}

#[test]
fn a_forgotten_quote_swallows_nobody_whatever_ends_the_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let swallowed = "phone,name|0151 12345678,\"a|0151 12345679,\"b\"|0151 12345670,c|";
        check(swallowed.replace('|', end).as_bytes(), &[(4, "4915112345670")], &[(2, "broken-quotes")]);
        let dir = tempfile::tempdir().unwrap();
        let endless = "phone,name|0151 12345678,\"a|0151 12345679,b|".replace('|', end);
        assert!(matches!(freeze_bytes(dir.path(), endless.as_bytes()), Err(Error::EndlessRow { line: 2, .. })));
    }
}
