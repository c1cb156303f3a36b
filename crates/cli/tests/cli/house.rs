//! The directions in which crates may depend on each other (DESIGN, section 1).

use std::{collections::BTreeSet, fs, path::Path};

/// Each crate with those of ours that it may use, and the libraries that are its own alone.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("core", &[]),
    ("smpp", &[]),
    ("ingest", &["core", "smpp"]),
    ("scheduler", &["core", "smpp"]),
    ("pipeline", &["core", "smpp"]),
    ("journal", &["core", "smpp"]),
    ("reconciler", &["core", "smpp", "ingest", "scheduler", "pipeline", "journal"]),
    ("simulator", &["smpp"]),
    ("engine", &["core", "smpp", "ingest", "scheduler", "pipeline", "journal", "reconciler", "simulator"]),
    ("cli", &["engine"]),
    ("proof", &["core", "smpp", "pipeline", "journal", "reconciler", "engine"]),
];

/// Libraries that only these crates may use.
const OWNERS: [(&str, &[&str]); 7] = [
    ("csv", &["ingest"]),
    ("governor", &["scheduler"]),
    ("sled", &["reconciler"]),
    ("clap", &["cli", "proof"]),
    ("tokio-rustls", &["pipeline"]),
    ("rustls-native-certs", &["pipeline"]),
    ("tokio", &["pipeline", "simulator", "engine", "cli", "proof"]),
];

fn dependencies(krate: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(krate.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&text).unwrap();
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn dependencies_point_down_only() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found: Vec<_> =
        fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    assert_eq!(found.len(), MAY_USE.len(), "a crate is missing in the table: {found:?}");
    for (name, may_use) in MAY_USE {
        for dependency in dependencies(&crates.join(name)) {
            if let Some(ours) = dependency.strip_prefix("volley-") {
                assert!(may_use.contains(&ours), "{name} must not use {ours}");
            }
            if let Some((_, owners)) = OWNERS.iter().find(|(library, _)| *library == dependency) {
                assert!(owners.contains(&name), "{name} must not use {dependency}");
            }
        }
    }
}
