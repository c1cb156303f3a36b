//! Every quirk of `fixtures/csv`, with what it must become: the rows that can be sent and the
//! rejects file, or the error. After a change that is meant, `BLESS=1 cargo test -p volley-ingest
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
    Error, Frozen, ListOptions, Plan, PlanChunk, Rejection, Rejects, RowCheck, RowFacts, RowView, freeze,
};

struct Accept;

impl RowCheck for Accept {
    type Scratch = ();

    fn check(&self, _: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1 })
    }
}

fn freeze_fixture(list: &Path, dir: &Path) -> Result<Frozen, Error> {
    let options = ListOptions {
        list: list.to_owned(),
        to: "phone".to_owned(),
        default_country: Some("DE".to_owned()),
        delimiter: None,
        columns: vec!["name".to_owned(), "code".to_owned()],
    };
    freeze(&options, &Accept, dir, &mut |_| ())
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
    let plan = Plan::open(dir.path()).unwrap();
    let mut chunk = PlanChunk::default();
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk).unwrap();
        for row in (0..CHUNK_ROWS as u16).map_while(|offset| chunk.row(offset)) {
            writeln!(text, "line {}: {} {:?} {:?}", row.line, row.msisdn.unwrap(), row.field(0), row.field(1)).unwrap();
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
    lists.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    lists.sort();
    assert!(lists.len() >= 20);
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
