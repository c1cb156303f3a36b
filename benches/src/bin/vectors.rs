//! Runs acceptance vectors: `vectors FILE`. A line for each that fails, then how many passed and
//! failed; exit 1 when one failed.

use std::{collections::BTreeSet, env, fs, process::ExitCode};

use volley_benches::vectors;

#[expect(clippy::print_stdout, reason = "its output is its purpose")]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path] = arguments.as_slice() else {
        eprintln!("usage: vectors FILE");
        return ExitCode::from(2);
    };
    let read = fs::read_to_string(path).map_err(|error| error.to_string());
    let vectors = match read.and_then(|text| vectors::read(&text)) {
        Ok(vectors) => vectors,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let failed: Vec<_> = vectors.iter().filter_map(|vector| vector.run().err()).collect();
    for failure in &failed {
        println!("{}: {}", failure.id, failure.why);
    }
    let missing: BTreeSet<_> = failed.iter().filter(|f| f.why.contains("isn't implemented")).map(|f| &f.kind).collect();
    if !missing.is_empty() {
        println!("kinds not implemented yet: {}", missing.into_iter().cloned().collect::<Vec<_>>().join(", "));
    }
    println!("{} passed, {} failed", vectors.len() - failed.len(), failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
