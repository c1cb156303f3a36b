//! What the beginning of a list says of its columns.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use volley_ingest::{ListOptions, Role, propose};

#[track_caller]
fn check(list: &str, expected: &[(Role, &str)]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.csv");
    fs::write(&path, list).unwrap();
    let options = ListOptions { default_country: Some("DE".to_owned()), ..ListOptions::new(path, "") };
    let proposal = propose(&options).unwrap();
    let found: Vec<_> = proposal.columns.iter().map(|proposed| (proposed.role, proposed.column.as_str())).collect();
    assert_eq!(found, expected, "{:#?}", proposal.columns);
}

#[test]
fn columns_are_found_by_their_values_and_names() {
    check(
        "id;Vorname;Handy;land;zone;lang;opt_in_date;valid_until;template_id\n\
         10000001;Anna;0151 12345678;DE;Europe/Berlin;de;2026-01-02;2026-12-24T18:00:00Z;T1\n\
         10000002;Ben;0151 12345679;AT;Europe/Vienna;en;2026-01-03;12h;T2\n\
         10000003;;kaputt;DE;;de-AT;03.01.2026;;T3\n",
        &[
            (Role::Number, "Handy"),
            (Role::Country, "land"),
            (Role::TimeZone, "zone"),
            (Role::Locale, "lang"),
            (Role::Consent, "opt_in_date"),
            (Role::Validity, "valid_until"),
            (Role::CarrierField, "template_id"),
            (Role::Name, "Vorname"),
        ],
    );
}

#[test]
fn numbers_are_found_whatever_their_column_is_called() {
    check("a,b,c\nx,+49 151 12345678,1\ny,0151 12345679,2\n", &[(Role::Number, "b")]);
    check("a,b\nx,1\ny,2\n", &[]);
    // A second column with numbers: the one that says so.
    check("office,mobile\n0151 12345677,0151 12345678\n", &[(Role::Number, "mobile")]);
}

#[test]
fn what_is_proposed_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.csv");
    fs::write(&path, "phone,x\n+4915112345678,1\nnone,2\n").unwrap();
    let proposal = propose(&ListOptions::new(path, "")).unwrap();
    let reason = &proposal.column(Role::Number).unwrap().reason;
    assert_eq!(reason, "1 of 2 values are numbers, and it is called `phone`");
}

#[test]
fn what_a_column_is_called_goes_before_what_its_values_look_like() {
    let list = "mobile,Sprache,land\n+491701234567,de,DE\n+33612345678,fr,FR\n";
    check(list, &[(Role::Number, "mobile"), (Role::Country, "land"), (Role::Locale, "Sprache")]);
}
