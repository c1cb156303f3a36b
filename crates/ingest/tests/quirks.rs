//! Every quirk of `fixtures/csv`, with what it must become: its form, the rows that can be sent (line,
//! number, country, kind, how many time zones, fields) and the rejects file, or the error. After a change that is meant, `BLESS=1 cargo test -p volley-ingest
//! --test quirks` writes the expectations anew: read their diff.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    error::Error as _,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use volley_core::CHUNK_ROWS;
use volley_ingest::{
    Duplicates, Encoding, Error, Frozen, ListOptions, Plan, PlanChunk, Rejection, Rejects, RowCheck, RowFacts, RowView,
    freeze,
    number::{KindPolicies, KindPolicy, NumberKind},
};

struct Accept;

impl RowCheck for Accept {
    type Scratch = ();

    fn check(&self, _: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1, ..RowFacts::default() })
    }
}

/// How a fixture is read; most of them as anybody's list.
fn options_of(list: &Path) -> ListOptions {
    let options = ListOptions {
        default_country: Some("DE".to_owned()),
        columns: vec!["name".to_owned(), "code".to_owned()],
        ..ListOptions::new(list, "phone")
    };
    let name = list.file_name().unwrap().to_str().unwrap();
    match name.split('.').next().unwrap() {
        "no-header" => ListOptions {
            header: false,
            to: "1".to_owned(),
            columns: vec!["column_2".to_owned(), "#3".to_owned()],
            ..options
        },
        "single-quotes" => ListOptions { quote: Some("'".to_owned()), ..options },
        "no-quotes" => ListOptions { quote: Some("none".to_owned()), ..options },
        "last-wins" => ListOptions { duplicates: Duplicates::Last, ..options },
        "countries" => ListOptions { default_country: None, country_column: Some("country".to_owned()), ..options },
        "clean" => ListOptions { clean_e164: true, ..options },
        "landlines-sent" => {
            let kinds = KindPolicies::default().with(NumberKind::FixedLine, KindPolicy::Send);
            ListOptions { kinds: kinds.with(NumberKind::Unknown, KindPolicy::Send), ..options }
        }
        "windows-1252" => ListOptions { encoding: Some(Encoding::Windows1252), ..options },
        _ => options,
    }
}

fn freeze_fixture(list: &Path, dir: &Path) -> Result<Frozen, Error> {
    freeze(&options_of(list), &Accept, dir, &mut |_| ())
}

/// What a list becomes, as text.
fn outcome(list: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let frozen = match freeze_fixture(list, dir.path()) {
        Ok(frozen) => frozen,
        Err(error) => {
            let message = error.to_string().replace(&list.display().to_string(), "LIST");
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            return format!("refused: {message}{source}\n");
        }
    };
    writeln!(text, "read as {}", frozen.form).unwrap();
    let plan = Plan::open(dir.path()).unwrap();
    let mut chunk = PlanChunk::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk).unwrap();
        for row in (0..CHUNK_ROWS as u16).map_while(|offset| chunk.row(offset)) {
            let zones = plan.time_zones(&row).len();
            let number = format!("{} {} {:?} {zones}", row.msisdn.unwrap(), row.country, row.kind);
            writeln!(text, "line {}: {number} {:?} {:?}", row.line, row.field(0), row.field(1)).unwrap();
        }
    }
    let n_rejected: u64 = frozen.rejected.values().sum();
    assert_eq!(frozen.n_rows, u64::from(frozen.n_valid) + n_rejected, "{}", list.display());
    assert_eq!(Rejects::open(dir.path(), "phone").unwrap().count() as u64, n_rejected, "{}", list.display());
    writeln!(text, "{} rows: {} can be sent, {n_rejected} rejected", frozen.n_rows, frozen.n_valid).unwrap();
    if n_rejected > 0 {
        text.push_str(&fs::read_to_string(dir.path().join("rejects.csv")).unwrap());
    }
    text
}

#[test]
fn every_quirk_becomes_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/csv");
    let mut lists: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    lists.retain(|path| {
        path.extension().is_some_and(|extension| ["csv", "gz", "zst"].iter().any(|it| extension == *it))
    });
    lists.sort();
    assert!(lists.len() >= 40);
    let mut differences = String::new();
    for list in lists {
        let (expected, found) = (list.with_extension("expected"), outcome(&list));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        if expected != found {
            let name = list.file_name().unwrap().display();
            writeln!(differences, "== {name}, expected:\n{expected}== found:\n{found}").unwrap();
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}
