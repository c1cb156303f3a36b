//! Moves inputs between the folder that `cargo fuzz` works in and a file that can be kept:
//! `fuzz-corpus pack DIR FILE` and `fuzz-corpus unpack FILE DIR`. A line of hexadecimal digits each.

use std::{env, fs, io, path::Path, process::ExitCode};

use volley_engine::inspect::read_hex;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["pack", folder, file] => pack(Path::new(folder), Path::new(file)),
        ["unpack", file, folder] => unpack(Path::new(file), Path::new(folder)),
        _ => {
            eprintln!("usage: fuzz-corpus pack DIR FILE | fuzz-corpus unpack FILE DIR");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(n) => {
            eprintln!("{n} inputs");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn pack(folder: &Path, file: &Path) -> io::Result<usize> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let octets = fs::read(entry?.path())?;
        lines.push(octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>());
    }
    lines.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    lines.dedup();
    fs::write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(lines.len())
}

fn unpack(file: &Path, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let text = fs::read_to_string(file)?;
    for (line, n) in text.lines().zip(1..) {
        let octets = read_hex(line).map_err(|error| io::Error::other(format!("line {n}: {error}")))?;
        fs::write(folder.join(format!("{n:06}")), octets)?;
    }
    Ok(text.lines().count())
}
