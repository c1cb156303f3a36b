//! Bad input gets a clear error that says where and what to do, the exit code that was promised,
//! and nothing is lost by it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use crate::support::{Simulator, n, signal, status, stderr, volley, write_campaign};

/// The file of `write_campaign`, with something wrong in it.
fn campaign_with(dir: &Path, from: &str, to: &str) -> std::path::PathBuf {
    let file = write_campaign(dir, 10, "127.0.0.1:1", "");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replace(from, to)).unwrap();
    file
}

fn run(dir: &Path) -> Output {
    let campaign = dir.join("campaign.toml");
    volley(dir).arg("run").arg(campaign).args(["--yes", "--no-progress"]).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, expected: &[&str]) {
    let words = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{words}");
    for part in expected {
        assert!(words.contains(part), "no `{part}` in: {words}");
    }
}

#[test]
fn wrong_and_missing_keys_are_named_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    campaign_with(dir, "sender = ", "sendr = ");
    check(&run(dir), 2, &["campaign.toml:6:1: unknown field `sendr`", "hint: did you mean `sender`?"]);
    campaign_with(dir, "to = \"phone\"\n", "");
    check(
        &run(dir),
        2,
        &["numbers are taken from `phone`", "error: the column with the numbers is only proposed", "`to = \"phone\"`"],
    );
    campaign_with(dir, "carrier = \"north\"", "carrier = \"nort\"");
    check(&run(dir), 2, &["carriers.toml: no carrier `nort`", "hint: did you mean `north`?"]);
    write_campaign(dir, 10, "127.0.0.1:1", "");
    let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
    fs::write(dir.join("carriers.toml"), carriers.replace("window", "windw")).unwrap();
    check(&run(dir), 2, &["carriers.toml:6:1: unknown field `windw`", "hint: did you mean `window`?"]);
    fs::remove_file(dir.join("carriers.toml")).unwrap();
    check(&run(dir), 2, &["carriers.toml: no such file"]);
}

#[test]
fn a_text_that_names_no_column_lists_the_columns() {
    let dir = tempfile::tempdir().unwrap();
    campaign_with(dir.path(), "{{ first_name }}", "{{ firstname }}");
    check(&run(dir.path()), 2, &["list.csv: no column `firstname`", "`phone`, `first_name`, `last_name`"]);
    campaign_with(dir.path(), "{{ code }}", "{{ code");
    check(&run(dir.path()), 2, &["campaign.toml:7:34: `text`", "never closed"]);
}

#[test]
fn lists_that_can_not_be_used_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_campaign(dir, 10, "127.0.0.1:1", "");
    let list = dir.join("list.csv");
    for (content, code, expected) in [
        (b"".as_slice(), 2, "list.csv: the list is empty: no header, no rows"),
        (b"phone,first_name,code\n", 2, "list.csv: the list is empty: a header and no rows"),
        (
            b"number,first_name,code\n+4915112345678,A,B\n",
            2,
            "no column `phone`: the header has `number`, `first_name`, `code`",
        ),
        (
            b"phone,first_name,code\n+4915112345678,J\xFCrgen,B\n+4915112345679,Zo\xC3\xAB,B\n",
            2,
            "list.csv, line 2, byte 38: the file is not UTF-8 text",
        ),
        (b"phone,first_name,code\nnonsense,A,B\n", 1, "no row of the list can be sent: all 1 are rejected"),
    ] {
        fs::write(&list, content).unwrap();
        check(&run(dir), code, &[expected]);
    }
    fs::remove_file(&list).unwrap();
    check(&run(dir), 2, &["list.csv"]);
}

#[test]
fn a_directory_in_use_is_refused_and_its_owner_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "answer-latency = \"200ms\"\n");
    let campaign = write_campaign(dir, 2_000, &simulator.address, "");
    let mut command = volley(dir);
    command.arg("run").arg(&campaign).args(["--yes", "--no-progress"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = command.spawn().unwrap();
    thread::sleep(Duration::from_millis(700));
    let second = volley(dir).args(["resume"]).output().unwrap();
    check(&second, 5, &[&format!("is in use by process {}", first.id())]);
    // Looking is allowed all the same.
    assert_eq!(n(&status(dir).unwrap(), "/rows"), 2_000);
    signal(&first, "INT");
    first.wait().unwrap();
}

#[test]
fn a_carrier_that_refuses_is_named_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let simulator = Simulator::start(dir, "");
    let refusing = tempfile::tempdir().unwrap();
    let refuser = Simulator::start(refusing.path(), "refuse-binds = \"0x0e\"\n");
    let campaign = write_campaign(dir, 500, &simulator.address, "");
    let text = fs::read_to_string(&campaign).unwrap();
    fs::write(&campaign, format!("{text}[[route]]\ncarrier = \"south\"\n")).unwrap();
    let carriers = fs::read_to_string(dir.join("carriers.toml")).unwrap();
    let south = format!("[carriers.south]\nkind = \"smpp\"\nhosts = [\"{}\"]\n", refuser.address);
    fs::write(dir.join("carriers.toml"), format!("{carriers}{south}")).unwrap();
    let output = volley(dir).arg("run").arg(&campaign).arg("--yes").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 500);

    // Alone, it ends the run: nothing is lost, and it says what to do.
    fs::write(&campaign, text.replace("carrier = \"north\"", "carrier = \"south\"").replace("\"test\"", "\"alone\""))
        .unwrap();
    let output = run(dir);
    check(&output, 4, &["south refuses the bind with 0x0E ESME_RINVPASWD", "`volley resume` goes on"]);
}

#[test]
fn an_unreachable_carrier_ends_the_run_and_resume_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write_campaign(dir, 300, &closed.to_string(), "");
    let output = run(dir);
    check(&output, 4, &["north can't be reached"]);
    let simulator = Simulator::start(dir, "");
    write_campaign(dir, 300, &simulator.address, "");
    // The list was written anew, alike to the octet; now it changes.
    fs::write(dir.join("list.csv"), "phone,first_name,code\n+4915112345678,A,B\n").unwrap();
    let resumed = volley(dir).args(["resume", "--no-progress"]).output().unwrap();
    check(&resumed, 0, &["list.csv changed since the campaign was approved: what was approved is sent"]);
    assert_eq!(n(&status(dir).unwrap(), "/states/delivered"), 300);
}

#[test]
fn a_campaign_under_way_is_not_begun_again_by_accident() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write_campaign(dir, 10, &closed.to_string(), "");
    check(&run(dir), 4, &[]);
    check(&run(dir), 2, &["campaign `test` was begun and is not finished", "`volley resume test`"]);
}
