//! Writes a generated list to stdout: `cargo run --release -p volley-ingest --example generate -- ROWS SEED [clean]`.

use std::{env, io, process::ExitCode};

use volley_ingest::generate::{GenerateOptions, generate};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let mut number = || arguments.next().and_then(|text| text.parse().ok());
    let (Some(rows), Some(seed)) = (number(), number()) else { return ExitCode::from(2) };
    let options = GenerateOptions { rows, seed, clean: arguments.next().as_deref() == Some("clean") };
    match generate(&options, &mut io::BufWriter::with_capacity(1 << 20, io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
