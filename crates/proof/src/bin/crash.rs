//! Kills the real binary, and the power under it, and checks what is left (CONTRACT F1 to F3, F6
//! to F8, F28): `cargo run --release -p volley-proof --bin crash -- HOW [OPTIONS]`.
#![allow(clippy::print_stdout, reason = "its results are its output")]

use std::process::ExitCode;

use volley_proof::crash::{self, Options};

const HELP: &str = "\
Kill the real binary, or the power under it, resume until done, and check the result against what the carrier saw.

Usage: crash HOW [OPTIONS]

How:
  kills       SIGKILL at random moments, also while it recovers
  syscalls    SIGKILL at every call of the system by a run, one after the other (needs strace)
  recovery    the same for the `resume` after a kill in the middle
  errors      EIO and ENOSPC at every write and sync (needs strace)
  power-cut   the content of an ext4 image at a random moment, mounted and resumed (needs root and loop devices)

Options:
  --times N       kills to strike, or images to take [default: 25]
  --rows N        rows of the campaign [default: 200; kills and power-cut: 20000]
  --seed N        of the random moments [default: 1]
  --step N        strike at every Nth call only [default: 1]
  --only A,B      these system calls only
  --volley FILE   the binary [default: beside this one]

Examples:
  crash kills --times 200
  crash syscalls --only fdatasync,sendto
  crash power-cut --times 20
";

fn read(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let me = std::env::current_exe().map_err(|error| format!("can't find this binary: {error}"))?;
    let volley = me.with_file_name("volley");
    let mut options = Options { times: 25, rows: None, seed: 1, step: 1, only: None, volley };
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} {value}: not a number"));
        match name.as_str() {
            "--times" => options.times = number()?,
            "--rows" => options.rows = Some(number()?),
            "--seed" => options.seed = number()?,
            "--step" => options.step = number()?.max(1),
            "--only" => options.only = Some(value.split(',').map(str::to_owned).collect()),
            "--volley" => options.volley = value.into(),
            _ => return Err(format!("{name}: no such option")),
        }
    }
    if !options.volley.is_file() {
        return Err(format!("{} is not there: build it first", options.volley.display()));
    }
    Ok(options)
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let how = args.next().unwrap_or_default();
    if matches!(how.as_str(), "" | "--help" | "-h" | "help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let done = read(args).and_then(|options| match how.as_str() {
        "kills" => crash::kills(&options),
        "syscalls" => crash::syscalls(&options),
        "recovery" => crash::recovery(&options),
        "errors" => crash::errors(&options),
        "power-cut" => crash::power_cut(&options),
        other => Err(format!("{other}: no such way; see --help")),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("crash: {why}");
            ExitCode::FAILURE
        }
    }
}
