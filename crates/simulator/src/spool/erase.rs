//! A spool without a recipient.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Writes the spool at `path` anew, durably, as the same name with `.erasing` behind it; nothing
/// when it doesn't speak of `recipient` (of anybody, where it is `None`). Who is erased gets a
/// short number that is nobody's, so that recipients are still told apart and receipts still find
/// their message by its id. Gives the lines changed.
///
/// # Errors
/// When a file can't be read or written.
pub fn erase_spool(path: &Path, recipient: Option<u64>) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let mut pseudonyms: HashMap<u64, u64> = HashMap::new();
    let taken = |line: &str| {
        let mut words = line.split(' ');
        (words.next() == Some("T")).then(|| words.nth(1)?.parse::<u64>().ok()).flatten()
    };
    let is_pseudonym = |number: u64| number < PSEUDONYMS;
    let mut next = 1 + text.lines().filter_map(taken).filter(|number| is_pseudonym(*number)).max().unwrap_or(0);
    let mut n_lines = 0;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let number = taken(line.trim_end_matches('\n'))
            .filter(|number| !is_pseudonym(*number) && recipient.is_none_or(|recipient| recipient == *number));
        let Some(number) = number else {
            out.push_str(line);
            continue;
        };
        let pseudonym = *pseudonyms.entry(number).or_insert_with(|| {
            next += 1;
            (next - 1) % PSEUDONYMS
        });
        out.push_str(&line.replacen(&format!(" {number} "), &format!(" {pseudonym} "), 1));
        n_lines += 1;
    }
    if n_lines == 0 {
        return Ok(0);
    }
    let mut new: PathBuf = path.to_owned();
    new.as_mut_os_string().push(".erasing");
    let mut file = File::create(&new)?;
    file.write_all(out.as_bytes())?;
    file.sync_all()?;
    Ok(n_lines)
}

/// Numbers below are nobody's: receipts to them carry too few digits to be held against a row.
const PSEUDONYMS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_erased_is_told_apart_and_not_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("campaign-1.spool");
        let text =
            "T 0 4915112345678 0 7 2 acme x\nA 0 7\nT 0 4915112345679 0 8 2 acme x\nT 0 4915112345678 1 9 2 a x\n";
        fs::write(&path, text).unwrap();
        assert_eq!(erase_spool(&path, Some(4_915_112_345_678)).unwrap(), 2);
        let new = dir.path().join("campaign-1.spool.erasing");
        let expected = text.replace("4915112345678", "1");
        assert_eq!(fs::read_to_string(&new).unwrap(), expected);
        fs::rename(&new, &path).unwrap();
        assert_eq!(erase_spool(&path, Some(4_915_112_345_678)).unwrap(), 0);
        assert_eq!(erase_spool(&path, None).unwrap(), 1);
        assert_eq!(fs::read_to_string(&new).unwrap(), expected.replace("4915112345679", "2"));
    }
}
