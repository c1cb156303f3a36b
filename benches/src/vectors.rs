//! Runs acceptance vectors (`fixtures/vectors.json` and files of its form) through the public
//! functions of our crates.

mod compare;
mod kinds;

use serde_json::Value;

/// One entry of a file of vectors.
#[derive(Debug)]
pub struct Vector {
    /// Its name, such as `segment-28`.
    pub id: String,
    /// Which function it is about.
    pub kind: String,
    /// What goes in.
    pub input: Value,
    /// How.
    pub params: Value,
    /// What must come out.
    pub expect: Value,
}

/// A vector that our crates don't agree with.
#[derive(Debug)]
pub struct Failed {
    /// The vector's name.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What differs.
    pub why: String,
}

/// Reads a file of vectors.
///
/// # Errors
/// When it is no JSON array of objects with `id`, `kind`, `input` and `expect`.
pub fn read(text: &str) -> Result<Vec<Vector>, String> {
    let entries: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let vector = |(mut entry, n): (Value, usize)| {
        let mut take = |key: &str| entry.get_mut(key).map(Value::take);
        let word = |value: Option<Value>, key: &str| {
            let word = value.as_ref().and_then(Value::as_str).map(str::to_owned);
            word.ok_or_else(|| format!("entry {n} has no `{key}`"))
        };
        Ok(Vector {
            id: word(take("id"), "id")?,
            kind: word(take("kind"), "kind")?,
            input: take("input").ok_or_else(|| format!("entry {n} has no `input`"))?,
            params: take("params").unwrap_or_default(),
            expect: take("expect").ok_or_else(|| format!("entry {n} has no `expect`"))?,
        })
    };
    entries.into_iter().zip(1..).map(vector).collect()
}

impl Vector {
    /// Runs it.
    ///
    /// # Errors
    /// What differs; also when its kind isn't implemented.
    pub fn run(&self) -> Result<(), Failed> {
        let failed = |why: String| Failed { id: self.id.clone(), kind: self.kind.clone(), why };
        let got = kinds::run(self).map_err(failed)?;
        match compare::difference(&self.expect, &got, kinds::informational(&self.kind)) {
            None => Ok(()),
            Some(difference) => Err(failed(difference)),
        }
    }
}
