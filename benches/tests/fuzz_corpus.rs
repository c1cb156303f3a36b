//! Replays what fuzzing has kept: inputs that reach different code, a line of hexadecimal digits
//! each. `benches/fuzz` looks for more.

use std::fs;

use volley_engine::inspect::read_hex;

#[path = "../fuzz/src/lib.rs"]
#[expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a crate of its own elsewhere; a panic is how it says that something does not hold"
)]
mod fuzz;

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let file = format!("{}/../fixtures/fuzz/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().map(|line| read_hex(line).unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = inputs(target);
    assert!(inputs.len() >= 100, "{} inputs for {target}", inputs.len());
    for (n, input) in inputs.iter().enumerate() {
        let result = std::panic::catch_unwind(|| run(input));
        assert!(result.is_ok(), "fixtures/fuzz/{target}.hex, line {}", n + 1);
    }
}

#[test]
fn pdus() {
    replay("pdu", fuzz::pdu);
}

#[test]
fn receipts() {
    replay("receipt", fuzz::receipt);
}

#[test]
fn alphabets() {
    replay("alphabet", fuzz::alphabet);
}

#[test]
fn lists() {
    replay("list", fuzz::list);
}

#[test]
fn mappings() {
    replay("mapping", fuzz::mapping);
}

#[test]
fn numbers() {
    replay("number", fuzz::number);
}
