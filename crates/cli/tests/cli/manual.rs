//! What explains the rest is true: topics, codes, recipes, completions, man pages; and the first
//! ten minutes of a new user.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::support::{VOLLEY, stderr};

fn volley(dir: &Path, args: &[&str]) -> Output {
    Command::new(VOLLEY).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn topic(name: &str) -> String {
    let output = volley(Path::new("."), &["help", name]);
    assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    stdout(&output)
}

/// The blocks of a topic in that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    text.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split_once("```\n"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

#[test]
fn help_explains_topics_and_commands_and_names_what_is_near() {
    let all = volley(Path::new("."), &["help"]);
    let listed = stdout(&all);
    let topics = listed.lines().find_map(|line| line.strip_prefix("Topics of `volley help`: ")).unwrap();
    assert_eq!(topics.split(", ").count(), 10);
    for name in topics.split(", ") {
        let text = topic(name);
        assert!(text.starts_with("# "), "{name}");
        let long = text.lines().take_while(|line| !line.starts_with("```toml")).find(|line| line.chars().count() > 140);
        assert_eq!(long, None, "{name}");
    }
    assert!(topic("run").contains("--dry-run"));
    let nested = volley(Path::new("."), &["help", "suppress", "import"]);
    assert!(stdout(&nested).contains("volley suppress import robinson.csv"), "{nested:?}");
    let wrong = volley(Path::new("."), &["help", "recipies"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("`recipes` was meant?"), "{}", stderr(&wrong));
}

#[test]
fn every_exit_code_is_explained() {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/failure.rs")).unwrap();
    let codes = source.split("enum Code {").nth(1).unwrap().split('}').next().unwrap().to_owned();
    let codes: Vec<_> =
        codes.lines().filter_map(|line| line.split('=').nth(1)).map(|n| n.trim_matches([' ', ','])).collect();
    assert!(codes.len() >= 9, "{codes:?}");
    let text = topic("exit-codes");
    for code in codes {
        assert!(text.contains(&format!("| {code} |")), "code {code} is not explained");
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false => found.extend(Some(path).filter(|path| path.extension().is_some_and(|end| end == "rs"))),
        }
    }
}

/// The codes of rejected rows that stand in the sources.
fn codes_in_sources() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = vec![crates.join("engine/src/preflight.rs")];
    rust_files(&crates.join("ingest/src"), &mut files);
    rust_files(&crates.join("engine/src/preflight"), &mut files);
    let mut codes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for before in ["code: \"", "refuse(\"", "rejection(\"", "NOT_UTF8: &str = \"", "EMPTY_STOPS: &str = \""] {
            codes.extend(text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    codes
}

#[test]
fn every_code_of_a_rejected_row_is_explained() {
    let text = topic("errors");
    let explained: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("| `")).map(|line| line.split('`').next().unwrap()).collect();
    let codes = codes_in_sources();
    assert!(codes.len() >= 12, "{codes:?}");
    for code in codes {
        assert!(explained.contains(code.as_str()), "`{code}` is not explained in `volley help errors`");
    }
}

/// Each recipe runs as it stands, in an empty folder.
#[test]
fn recipes_work_as_they_stand() {
    let bin = Path::new(VOLLEY).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let recipes = blocks(&topic("recipes"), "sh");
    assert!(recipes.len() >= 10, "{}", recipes.len());
    for recipe in recipes {
        let dir = tempfile::tempdir().unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &recipe]).env("PATH", &path).current_dir(dir.path()).stdin(Stdio::null());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{recipe}\n{}\n{}", stdout(&output), stderr(&output));
    }
}

#[test]
fn completions_and_man_pages_are_made_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&volley(dir.path(), &["completions", shell]));
        assert!(script.contains("suppress") && script.contains("dry-run"), "{shell}: {script}");
    }
    fs::write(dir.path().join("volley.bash"), volley(dir.path(), &["completions", "bash"]).stdout).unwrap();
    let parsed = Command::new("bash").args(["-n", "volley.bash"]).current_dir(dir.path()).status().unwrap();
    assert!(parsed.success());
    assert_eq!(volley(dir.path(), &["man", "pages"]).status.code(), Some(0));
    for name in ["volley", "volley-run", "volley-suppress-import", "volley-doubt-resolve"] {
        let page = fs::read_to_string(dir.path().join("pages").join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("xamples"), "{name}: {page}");
    }
}

#[test]
fn a_new_user_gets_files_that_run() {
    let dir = tempfile::tempdir().unwrap();
    let init = volley(dir.path(), &["init", "spring"]);
    assert_eq!(init.status.code(), Some(0), "{}", stderr(&init));
    let next: Vec<_> =
        stdout(&init).lines().filter_map(|line| line.strip_prefix("  volley ").map(str::to_owned)).collect();
    assert_eq!(next.len(), 3, "{}", stdout(&init));
    for command in &next {
        let mut args: Vec<_> = command.split("  ").next().unwrap().split(' ').collect();
        if command.starts_with("run") {
            args.push("--yes");
        }
        let output = volley(dir.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
    }
    let again = volley(dir.path(), &["init", "spring"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("spring/campaign.toml is there already"), "{}", stderr(&again));
}

#[test]
fn a_list_of_ones_own_is_looked_at_and_its_columns_are_proposed() {
    let dir = tempfile::tempdir().unwrap();
    let list = "Kundennummer;Vorname;Handy;Sprache;Einwilligung\n\
                1001;Eva \"die Erste\";0170 1234567;de;24.11.2026\n1002;Max;0171 7654321;de;01.10.2026\n";
    fs::write(dir.path().join("kunden liste.csv"), list).unwrap();
    let args = ["init", "a b", "--from", "kunden liste.csv", "--country", "DE"];
    let init = volley(dir.path(), &args);
    assert_eq!(init.status.code(), Some(0), "{}", stderr(&init));
    let campaign = fs::read_to_string(dir.path().join("a b/campaign.toml")).unwrap();
    for line in ["name = \"a-b\"", "to = \"Handy\"", "default-country = \"DE\"", "locale-column = \"Sprache\""] {
        assert!(campaign.contains(line), "{line}: {campaign}");
    }
    assert!(campaign.contains("{{ Vorname }}"), "{campaign}");
    let run = volley(dir.path(), &["run", "a b/campaign.toml", "--yes", "--json"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stdout(&run).contains("\"rows\": 2"), "{}", stdout(&run));
    let none = volley(dir.path(), &["init", "c", "--from", "a b/carriers.toml"]);
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
    assert!(!dir.path().join("c").exists());
}
