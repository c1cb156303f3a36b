//! Lists as they come: from stdin, compressed, in another encoding, without a `to`.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use crate::support::{stderr, volley, write_campaign};

/// Shows what would be sent to the rows of `list`, given on stdin.
fn dry_run(dir: &Path, list: &[u8]) -> Output {
    let mut command = volley(dir);
    command.args(["run", "campaign.toml", "--dry-run", "--no-progress"]).current_dir(dir);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(list).unwrap();
    child.wait_with_output().unwrap()
}

fn edit_campaign(dir: &Path, from: &str, to: &str) {
    let path = dir.join("campaign.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[track_caller]
fn check(output: &Output, expected: &[&str]) {
    let words = stderr(output);
    assert!(output.status.success(), "{words}");
    for part in expected {
        assert!(words.contains(part), "no `{part}` in: {words}");
    }
}

#[test]
fn a_list_comes_from_stdin_in_utf16_and_the_last_row_wins() {
    let dir = tempfile::tempdir().unwrap();
    write_campaign(dir.path(), 10, "127.0.0.1:1", "");
    edit_campaign(dir.path(), "list = \"list.csv\"", "list = \"-\"\nduplicates = \"last\"");
    let list = "phone;first_name;code\n+4915112345678;Zoë;A\n+4915112345678;Łukasz;B\n+4930901820;Ben;C\n";
    let octets: Vec<u8> = list.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let expected = [
        "test: 3 rows, 1 can be sent",
        "read as UTF-16LE, between fields `;`",
        "line 2, column phone: duplicate: the same number stands in line 3",
        "1  not-a-mobile",
    ];
    check(&dry_run(dir.path(), &octets), &expected);
    edit_campaign(dir.path(), "duplicates = \"last\"", "landline = \"send\"");
    check(&dry_run(dir.path(), &octets), &["2 can be sent", "line 3, column phone: duplicate"]);
    let spools = walk(dir.path()).into_iter().filter(|name| name.contains("spool")).count();
    assert_eq!(spools, 0);
}

#[test]
fn a_campaign_without_a_column_for_numbers_gets_one_proposed() {
    let dir = tempfile::tempdir().unwrap();
    write_campaign(dir.path(), 10, "127.0.0.1:1", "");
    edit_campaign(dir.path(), "to = \"phone\"\n", "");
    let expected = ["numbers are taken from `phone`", "10 of 10 values are numbers", "`country-column = \"country\"`"];
    check(&dry_run(dir.path(), b""), &expected);
}

#[test]
fn rejected_rows_go_where_they_are_wanted_safe_for_people_or_raw_for_machines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_campaign(dir, 10, "127.0.0.1:1", "");
    fs::write(dir.join("list.csv"), "phone,first_name,code\n+4915112345678,Zoë,A\n12,=1+1,@B\n").unwrap();
    let write = |args: &[&str]| {
        let output = volley(dir).args(args).args(["--no-progress", "--rejects", "out.csv"]).current_dir(dir).output();
        let output = output.unwrap();
        (output.status.code(), fs::read_to_string(dir.join("out.csv")).unwrap_or_default(), stderr(&output))
    };
    let head = "_line,_column,_code,_message,phone,first_name,code\n3,phone,";
    let (code, safe, words) = write(&["check", "campaign.toml"]);
    assert!(code == Some(0) && safe.starts_with(head) && safe.ends_with(",12,'=1+1,'@B\n"), "{safe}{words}");
    assert_eq!(write(&["run", "campaign.toml", "--dry-run"]).1, safe);
    for args in [&["check", "campaign.toml", "--raw"][..], &["run", "campaign.toml", "--dry-run", "--raw"]] {
        let (_, raw, words) = write(args);
        assert!(raw.starts_with(head) && raw.ends_with(",12,=1+1,@B\n"), "{raw}{words}");
    }
    // Also when nothing can be sent.
    fs::write(dir.join("list.csv"), "phone,first_name,code\n12,-2,B\n").unwrap();
    let (code, safe, _) = write(&["check", "campaign.toml"]);
    assert!(code == Some(1) && safe.ends_with(",12,'-2,B\n"), "{safe}");
}

fn walk(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.path().is_dir() {
            names.extend(walk(&entry.path()));
        }
    }
    names
}
