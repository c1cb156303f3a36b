//! `volley generate`.

use std::{fs::File, io};

use volley_engine::generate::{GenerateOptions, generate as write_list};

use crate::{
    args::GenerateArgs,
    failure::{Code, Failure},
};

pub(crate) fn generate(args: &GenerateArgs) -> Result<Code, Failure> {
    let options = GenerateOptions { rows: args.rows, seed: args.seed, clean: args.clean };
    match &args.out {
        Some(path) => {
            let file = File::create(path).map_err(Failure::io(format!("can't create {}", path.display())))?;
            let mut out = io::BufWriter::with_capacity(1 << 20, file);
            write_list(&options, &mut out).map_err(Failure::io(format!("can't write {}", path.display())))?;
        }
        None => {
            let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
            write_list(&options, &mut out).map_err(Failure::io("can't write to stdout"))?;
        }
    }
    Ok(Code::Clean)
}
