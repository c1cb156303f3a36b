//! What freezing promises, on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use volley_core::CHUNK_ROWS;
use volley_ingest::{
    Encoding, Error, Frozen, ListOptions, Plan, PlanChunk, Rejection, Rejects, RejectsFile, RejectsForm, RowCheck,
    RowFacts, RowView, freeze,
    generate::{GenerateOptions, generate},
    source_hash_of,
};

/// Accepts every row but those whose name is "refuse".
struct Check;

impl RowCheck for Check {
    type Scratch = ();

    fn check(&self, row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        if row.field(0) == "refuse" {
            return Err(Rejection { column: Some("name".to_owned()), code: "refused", reason: "as asked".to_owned() });
        }
        Ok(RowFacts { n_segments: 1 + u8::from(row.field(0).len() > 20), ..RowFacts::default() })
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
    freeze(&options, &Check, &dir.join("plan"), &mut |_| ())
}

fn rows(dir: &Path) -> Vec<(String, u64, String)> {
    let plan = Plan::open(&dir.join("plan")).unwrap();
    let mut chunk = PlanChunk::default();
    let mut rows = Vec::new();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk).unwrap();
        rows.extend(
            (0..CHUNK_ROWS as u16)
                .map_while(|offset| chunk.row(offset))
                .map(|row| (row.msisdn.unwrap().to_string(), row.line, row.field(0).to_owned())),
        );
    }
    rows
}

fn rejected(dir: &Path) -> Vec<(u64, Option<String>, String)> {
    let rejects = Rejects::open(&dir.join("plan"), "phone").unwrap();
    rejects.map(|row| row.unwrap()).map(|row| (row.line, row.column, row.code)).collect()
}

/// A list with one valid row, whatever its form: number, line and name of that row.
#[track_caller]
fn check_one(list: &[u8], expected: (&str, u64, &str)) {
    let dir = tempfile::tempdir().unwrap();
    let frozen = freeze_bytes(dir.path(), list).unwrap();
    assert_eq!(frozen.n_valid, 1, "{frozen:?}");
    let (number, line, name) = expected;
    assert_eq!(rows(dir.path()), [(number.to_owned(), line, name.to_owned())]);
}

#[test]
fn lists_are_read_in_every_usual_form() {
    let expected = ("4915112345678", 2, "Zoë");
    check_one("phone,name\n0151 12345678,Zoë\n".as_bytes(), expected);
    check_one("phone;name\r\n0151 12345678;Zoë\r\n".as_bytes(), expected);
    check_one("\u{FEFF}phone\tname\n0151 12345678\tZoë".as_bytes(), expected);
    check_one("name|phone\n\"Zoë\"|\"0151 12345678\"\n".as_bytes(), expected);
    check_one("Phone , NAME\n+4915112345678,Zoë\n".as_bytes(), expected);
    check_one("phone,name\n\n\n0151 12345678,\"a, \"\"b\"\"\nc\"\n".as_bytes(), ("4915112345678", 4, "a, \"b\"\nc"));
}

#[test]
fn every_rejected_row_says_line_column_and_code() {
    let dir = tempfile::tempdir().unwrap();
    let filler: String = (0..300).map(|n| format!("0151 1{n:07},x\n")).collect();
    let list = [
        b"phone,name\n0151 12345678,first\n015112345678,second\n,third\n12,fourth\n4.9151E+12,fifth\n".as_slice(),
        b"0151 12345679,sixth,seventh\n030 901820,eighth\n0151 12345670,refuse\n0151 12345671,J\xFCrgen\n",
        filler.as_bytes(),
    ];
    let frozen = freeze_bytes(dir.path(), &list.concat()).unwrap();
    let phone = || Some("phone".to_owned());
    let expected = [
        (3, phone(), "duplicate"),
        (4, phone(), "missing-number"),
        (5, phone(), "invalid-number"),
        (6, phone(), "spreadsheet-number"),
        (7, None, "ragged-row"),
        (8, phone(), "not-a-mobile"),
        (9, Some("name".to_owned()), "refused"),
        (10, Some("name".to_owned()), "not-utf8"),
    ];
    let found = rejected(dir.path());
    assert_eq!(found, expected.map(|(line, column, code)| (line, column, code.to_owned())));
    assert_eq!(frozen.n_rows, u64::from(frozen.n_valid) + frozen.rejected.values().sum::<u64>());
    assert_eq!(frozen.rejected.len(), 8);
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_made_safe() {
    let dir = tempfile::tempdir().unwrap();
    freeze_bytes(dir.path(), b"phone,name\n+4915112345678,ok\n12,=cmd|'/c calc'!A0\n+12,@sum\n").unwrap();
    let text = fs::read_to_string(dir.path().join("plan/rejects.csv")).unwrap();
    assert!(text.contains(",'=cmd|"), "{text}");
    assert!(text.contains(",+12,'@sum"), "{text}");
    freeze_bytes(dir.path(), b"=1+1,phone,name\n,0151 12345678,x\n,12,x\n").unwrap();
    let text = fs::read_to_string(dir.path().join("plan/rejects.csv")).unwrap();
    assert!(text.starts_with("_line,_column,_code,_message,'=1+1,phone,name"), "{text}");
}

#[test]
fn rejected_rows_go_to_a_file_of_the_users_too_safe_or_with_the_octets_of_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.csv");
    let broken = b"phone,name\n12,=1+1\n13,\"J\xFCrgen, \"\"J\"\"\"\n14,'=x\n15,a\0b\n";
    // One row in another encoding is a fault of that row only where most others have none.
    let sound: String = (100..300).map(|n| format!("+49151123456{n},ok\n").replace("56", "5")).collect();
    fs::write(&list, [&broken[..], sound.as_bytes()].concat()).unwrap();
    let wanted = dir.path().join("out.csv");
    let written = |form| {
        let rejects = Some(RejectsFile { path: wanted.clone(), form });
        let options = ListOptions { rejects, encoding: Some(Encoding::Utf8), ..ListOptions::new(&list, "phone") };
        freeze(&options, &Check, &dir.path().join("plan"), &mut |_| ()).map(|_| ())
    };
    written(RejectsForm::Spreadsheet).unwrap();
    let own = fs::read(dir.path().join("plan/rejects.csv")).unwrap();
    assert_eq!(fs::read(&wanted).unwrap(), own);
    let safe = String::from_utf8(own).unwrap();
    assert!(safe.contains(",12,'=1+1\n") && safe.contains("J\u{FFFD}rgen") && safe.contains("a\u{2400}b"), "{safe}");
    written(RejectsForm::Raw).unwrap();
    let raw = fs::read(&wanted).unwrap();
    for cells in [&b",12,=1+1\n"[..], b",13,\"J\xFCrgen, \"\"J\"\"\"\n", b",14,'=x\n", b",15,a\0b\n"] {
        assert!(raw.windows(cells.len()).any(|window| window == cells), "{}", String::from_utf8_lossy(&raw));
    }
    assert!(raw.starts_with(b"_line,_column,_code,_message,phone,name\n2,phone,"));
    // The plan's own stays safe, and a list that can't be used leaves nothing half written.
    assert!(fs::read_to_string(dir.path().join("plan/rejects.csv")).unwrap().contains("'=1+1"));
    fs::remove_file(&wanted).unwrap();
    fs::write(&list, "phone,name\n12,\"x\n").unwrap();
    written(RejectsForm::Raw).unwrap_err();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the list and the plan");
    let rejects = Some(RejectsFile { path: dir.path().join("no/such.csv"), form: RejectsForm::Raw });
    let options = ListOptions { rejects, encoding: Some(Encoding::Utf8), ..ListOptions::new(&list, "phone") };
    let error = freeze(&options, &Check, &dir.path().join("plan"), &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Io { ref path, .. } if path.ends_with("no/such.csv")), "{error}");
}

#[test]
fn unusable_lists_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let error = |list: &[u8]| freeze_bytes(dir.path(), list).unwrap_err();
    assert!(matches!(error(b""), Error::Empty { has_header: false, .. }));
    assert!(matches!(error(b"phone,name\n"), Error::Empty { has_header: true, .. }));
    assert!(matches!(error(b"number,name\n1,2\n"), Error::NoColumn { .. }));
    assert!(matches!(error(b"phone,name,phone\n1,2,3\n"), Error::AmbiguousColumn { .. }));
    // The beginning is UTF-8, and then much of it is not.
    let list = ["phone,name\n", &"0151 12345678,Zoë\n".repeat(20_000)].concat().into_bytes();
    let list = [list, b"0151 12345678,J\xFCrgen\n".repeat(1_000)].concat();
    assert!(matches!(error(&list), Error::NotUtf8 { line: 20_002, byte: 380_026, .. }));
}

#[test]
fn a_forgotten_quote_never_swallows_recipients_silently() {
    let dir = tempfile::tempdir().unwrap();
    // The next quote closes it: the rows between are one record, and none is sent to.
    let list = b"phone,name\n0151 12345678,\"Anna\n0151 12345679,\"Ben\"\n0151 12345670,\"C\n\"\"D\"\"\"\n0151 12345671,5\" x\n";
    let frozen = freeze_bytes(dir.path(), list).unwrap();
    assert_eq!(rejected(dir.path()), [(2, None, "broken-quotes".to_owned())]);
    assert_eq!(rows(dir.path()).iter().map(|row| row.1).collect::<Vec<_>>(), [4, 6]);
    assert_eq!(frozen.n_rows, 3);
    // Nothing closes it: the list is refused, with the line.
    let error = |list: &[u8]| freeze_bytes(dir.path(), list).unwrap_err();
    assert!(matches!(error(b"phone,name\n0151 1,a\n0151 2,\"b\n0151 3,c\n"), Error::EndlessRow { line: 3, .. }));
    assert!(matches!(error(b"phone,name\r\n0151 1,a\r\n0151 2,\"b"), Error::EndlessRow { line: 3, .. }));
    let long = [b"phone,name\n0151 2,\"b\n".as_slice(), &b"0151 3,c\n".repeat(300_000)].concat();
    assert!(matches!(error(&long), Error::EndlessRow { line: 2, .. }));
}

#[test]
fn options_that_cannot_work_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list.csv");
    fs::write(&path, "Phone_Number,name\n+4915112345678,x\n").unwrap();
    let options = ListOptions::new(path, "phonenumber");
    let error = |options: ListOptions| freeze(&options, &Check, &dir.path().join("plan"), &mut |_| ()).unwrap_err();
    let no_column = error(options.clone()).to_string();
    assert!(no_column.contains("`Phone_Number`, `name`; did you mean `Phone_Number`?"), "{no_column}");
    let country = Some("Germany".to_owned());
    assert!(matches!(error(ListOptions { default_country: country, ..options.clone() }), Error::UnknownCountry { .. }));
    for delimiter in ['"', '\n', 'é'] {
        let options = ListOptions { delimiter: Some(delimiter), ..options.clone() };
        assert!(matches!(error(options), Error::BadDelimiter { .. }));
    }
}

#[test]
fn a_frozen_list_does_not_depend_on_the_csv_and_damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    generate(&GenerateOptions { rows: 10_000, seed: 5, clean: true }, &mut list).unwrap();
    let list = String::from_utf8(list).unwrap().replace("first_name", "name");
    let frozen = freeze_bytes(dir.path(), list.as_bytes()).unwrap();
    assert_eq!((frozen.n_valid, frozen.n_rows), (10_000, 10_000));
    assert_eq!(source_hash_of(&dir.path().join("list.csv")).unwrap(), frozen.source_hash);
    fs::remove_file(dir.path().join("list.csv")).unwrap();
    assert_eq!(rows(dir.path()).len(), 10_000);
    let file = dir.path().join("plan/list.bin");
    let mut octets = fs::read(&file).unwrap();
    let middle = octets.len() / 2;
    if let Some(octet) = octets.get_mut(middle) {
        *octet ^= 1;
    }
    fs::write(&file, octets).unwrap();
    let plan = Plan::open(&dir.path().join("plan")).unwrap();
    let mut chunk = PlanChunk::default();
    let damaged = (0..plan.n_chunks()).filter(|number| plan.read_chunk(*number, &mut chunk).is_err()).count();
    assert_eq!(damaged, 1);
}

/// Batches, parts and threads must not show: over several batches, each duplicate names the first
/// line, and rows and rejected rows stand in the order of the list.
#[test]
fn rows_are_settled_in_the_order_of_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let number = |n: u32| format!("0151 2{:07}", n % 20_000);
    let list: String = (0..50_000).map(|n| format!("{},n{n}\n", number(n))).collect();
    let frozen = freeze_bytes(dir.path(), format!("phone,name\n{list}").as_bytes()).unwrap();
    assert_eq!((frozen.n_rows, frozen.n_valid), (50_000, 20_000));
    let expected = (0..20_000_u32).map(|n| (format!("4915120{n:06}"), u64::from(n) + 2, format!("n{n}")));
    assert!(rows(dir.path()).into_iter().eq(expected));
    let rejects = Rejects::open(&dir.path().join("plan"), "phone").unwrap();
    let reasons = rejects.map(|row| row.unwrap()).map(|row| (row.line, row.reason));
    let first = |line: u64| (line - 2) % 20_000 + 2;
    let expected = (20_002..50_002).map(|line| (line, format!("the same number stands in line {}", first(line))));
    assert!(reasons.eq(expected));
}

#[test]
fn generated_lists_are_the_same_for_the_same_seed() {
    let list = |seed, clean| {
        let mut out = Vec::new();
        generate(&GenerateOptions { rows: 2_000, seed, clean }, &mut out).unwrap();
        out
    };
    assert_eq!(list(7, false), list(7, false));
    assert_ne!(list(7, false), list(8, false));
    let dir = tempfile::tempdir().unwrap();
    let text = String::from_utf8(list(7, false)).unwrap().replace("first_name", "name");
    let frozen = freeze_bytes(dir.path(), text.as_bytes()).unwrap();
    let codes: Vec<_> = frozen.rejected.keys().map(String::as_str).collect();
    assert_eq!(
        codes,
        ["duplicate", "invalid-number", "missing-number", "not-a-mobile", "ragged-row", "spreadsheet-number"]
    );
}

#[test]
fn a_freeze_that_fails_leaves_no_plan_of_an_older_list() {
    let dir = tempfile::tempdir().unwrap();
    let frozen = freeze_bytes(dir.path(), b"phone,name\n0151 12345678,x\n").unwrap();
    let plan = Plan::open(&dir.path().join("plan")).unwrap();
    assert_eq!((plan.content_hash(), plan.source_hash()), (&*frozen.content_hash, &*frozen.source_hash));
    assert_eq!(plan.columns(), ["name"]);
    assert!(matches!(plan.read_chunk(1, &mut PlanChunk::default()), Err(Error::Damaged { .. })));
    freeze_bytes(dir.path(), b"phone,name\n0151 12345679,\"y\n0151 12345670,z\n").unwrap_err();
    assert!(matches!(Plan::open(&dir.path().join("plan")), Err(Error::Io { .. })));
}

#[test]
fn a_list_that_was_cut_is_no_plan() {
    let dir = tempfile::tempdir().unwrap();
    freeze_bytes(dir.path(), b"phone,name\n0151 12345678,x\n").unwrap();
    let file = dir.path().join("plan/list.bin");
    let octets = fs::read(&file).unwrap();
    fs::write(&file, octets.get(..octets.len() - 1).unwrap()).unwrap();
    assert!(matches!(Plan::open(&dir.path().join("plan")), Err(Error::Damaged { .. })));
}

/// Any octets as a list: rows add up or the list is refused, and nothing panics.
#[test]
fn hostile_lists_never_panic_and_always_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = 0x1234_5678_9ABC_DEF1_u64;
    let pieces: [&[u8]; 12] = [
        b"phone",
        b"name",
        b",",
        b";",
        b"\"",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xFF",
        b"+4915112345678",
        b"0151 99999999",
        b"\xF0\x9F\x98\x80",
    ];
    for round in 0..500 {
        let mut list = if round % 2 == 0 { b"phone,name\n".to_vec() } else { Vec::new() };
        for _ in 0..random % 40 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            list.extend_from_slice(pieces.get((random % 12) as usize).unwrap());
        }
        random = random.wrapping_add(round);
        if let Ok(frozen) = freeze_bytes(dir.path(), &list) {
            let n_rejected: u64 = frozen.rejected.values().sum();
            assert_eq!(frozen.n_rows, u64::from(frozen.n_valid) + n_rejected, "round {round}: {list:?}");
        }
    }
}
