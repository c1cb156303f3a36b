//! The acceptance vectors that we have, each through the public functions of our crates.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use volley_benches::vectors;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors.json");

/// Kinds that are about parts of volley that are not built yet.
const LATER: [&str; 2] = ["provider_status", "webhook_signature"];

#[test]
fn every_vector_of_a_kind_that_is_built_passes() {
    let vectors = vectors::read(&fs::read_to_string(FILE).unwrap()).unwrap();
    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for vector in vectors.iter().filter(|vector| !LATER.contains(&vector.kind.as_str())) {
        match vector.run() {
            Ok(()) => *passed.entry(&vector.kind).or_default() += 1,
            Err(failure) => failed.push(format!("{}: {}", failure.id, failure.why)),
        }
    }
    assert_eq!(failed, Vec::<String>::new());
    assert_eq!((passed.len(), passed.values().sum::<usize>()), (18, 277), "{passed:?}");
}

#[test]
fn a_wrong_vector_fails_with_its_name_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vectors.json");
    let entry = |id: &str, text: &str| {
        format!(
            r#"{{"id": "{id}", "kind": "transliterate", "input": "–", "params": {{"level": "punct"}}, "expect": {{"text": "{text}"}}}}"#
        )
    };
    let run = |path: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_vectors")).arg(path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    fs::write(&file, format!("[{}, {}]", entry("right-1", "-"), entry("wrong-1", "+"))).unwrap();
    let (code, printed) = run(&file);
    assert_eq!((code, printed.as_str()), (Some(1), "wrong-1: text: expected \"+\", got \"-\"\n1 passed, 1 failed\n"));
    fs::write(&file, format!("[{}]", entry("right-1", "-"))).unwrap();
    assert_eq!(run(&file), (Some(0), "1 passed, 0 failed\n".to_owned()));
    fs::write(&file, "[{}]").unwrap();
    assert_eq!(run(&file).0, Some(2));
}
