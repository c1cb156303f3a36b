//! Freezes a list and prints what came of it, for measuring with `time`:
//! `cargo run --release -p volley-ingest --example freeze -- recipients.csv phone DE first_name code`.

use std::{env, path::PathBuf, process::ExitCode};

use volley_ingest::{ListOptions, Rejection, RowCheck, RowFacts, RowView, freeze};

struct AcceptAll;

impl RowCheck for AcceptAll {
    type Scratch = ();

    fn check(&self, _row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        Ok(RowFacts { n_segments: 1, ..RowFacts::default() })
    }
}

#[expect(clippy::print_stdout, reason = "a tool for people")]
fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(list), Some(to)) = (arguments.next(), arguments.next()) else {
        println!("freeze LIST PHONE-COLUMN [COUNTRY|clean] [COLUMN…]");
        return ExitCode::from(2);
    };
    let default_country = arguments.next().filter(|country| country != "clean");
    let clean_e164 = default_country.is_none();
    let columns = arguments.collect();
    let options = ListOptions { default_country, clean_e164, columns, ..ListOptions::new(PathBuf::from(list), to) };
    let dir = env::temp_dir().join(format!("volley-freeze-{}", std::process::id()));
    let frozen = freeze(&options, &AcceptAll, &dir, &mut |_| ());
    println!("{frozen:#?}");
    match std::fs::remove_dir_all(&dir).is_ok() && frozen.is_ok() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
