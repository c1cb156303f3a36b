//! Secrets: where they come from, never what they are.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use volley_pipeline::Secret;

/// Where a secret comes from: never the carriers file itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the carriers file; a line feed at its end doesn't count.
    File(PathBuf),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl SecretSource {
    /// The secret; `folder` is what a file's path is relative to. An error says where it should
    /// stand and why it doesn't.
    pub(super) fn read(&self, folder: &Path) -> Result<Secret, String> {
        match self {
            Self::Env(variable) => {
                let value = env::var(variable);
                value.map(Secret::from).map_err(|_| format!("should stand in ${variable}, which is not set"))
            }
            Self::File(file) => {
                let file = folder.join(file);
                let text = fs::read_to_string(&file)
                    .map_err(|source| format!("should stand in {}: {source}", file.display()))?;
                Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
            }
        }
    }
}
