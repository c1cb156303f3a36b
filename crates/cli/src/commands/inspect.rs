//! `volley inspect`: one thing looked at, or many from stdin.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
};

use serde_json::{Value, json};
use volley_engine::inspect::{
    Concat, DefaultAlphabet, Language, SegmentOptions, Split, TextOptions, is_country, pdu, phone, read_hex, receipt,
    split_pdus, text,
};

use crate::{
    args::{Inspect, InspectArgs, InspectInput, InspectText},
    failure::{Code, Failure},
    output::{print, sheet},
};

pub(crate) fn inspect(args: &InspectArgs) -> Result<Code, Failure> {
    match &args.what {
        Inspect::Text(args) => {
            let options = text_options(args)?;
            each(&args.input, |input| vec![text(input, &options)])
        }
        Inspect::Pdu(input) => each(input, |hex| match read_hex(hex) {
            Ok(octets) => split_pdus(&octets).into_iter().map(pdu).collect(),
            Err(error) => vec![json!({ "error": error.to_string() })],
        }),
        Inspect::Receipt(input) => each(input, |input| vec![receipt(input.as_bytes())]),
        Inspect::Number { country, input } => {
            if let Some(country) = country.as_deref().filter(|country| !is_country(country)) {
                return Err(usage(format!("`{country}` is no country: write two capital letters, such as DE")));
            }
            each(input, |input| vec![phone(input, country.as_deref())])
        }
    }
}

fn usage(message: String) -> Failure {
    Failure::Usage { message, hint: None }
}

fn text_options(args: &InspectText) -> Result<TextOptions, Failure> {
    let language = |code: &String| {
        let codes = || Language::ALL.map(Language::code).join(", ");
        Language::from_code(code).ok_or_else(|| usage(format!("`{code}` has no national tables: {} have", codes())))
    };
    let alphabet = DefaultAlphabet::ALL.into_iter().find(|alphabet| alphabet.name() == args.alphabet);
    let concat = match args.concat.as_str() {
        "udh16" => Concat::Udh16,
        "sar" => Concat::Sar,
        "payload" => Concat::Payload,
        _ => Concat::Udh8,
    };
    let segments = SegmentOptions {
        alphabet: alphabet.ok_or_else(|| {
            let names = DefaultAlphabet::ALL.map(DefaultAlphabet::name).join(", ");
            usage(format!("`{}` is no alphabet: {names} are", args.alphabet))
        })?,
        concat,
        smart: args.smart.parse().map_err(|error| usage(format!("{error}")))?,
        languages: args.languages.iter().map(language).collect::<Result<_, _>>()?,
        split: if args.split == "codepoint" { Split::CodePoint } else { Split::Grapheme },
        ..SegmentOptions::default()
    };
    if !segments.languages.is_empty() && !concat.is_by_header() {
        let message = format!("national tables need a header before the text, and --concat {} has none", args.concat);
        return Err(usage(message));
    }
    Ok(TextOptions { segments, encoding: None, keep: args.keep.clone() })
}

/// Looks at the argument, the file, or each line of stdin.
fn each(input: &InspectInput, look: impl Fn(&str) -> Vec<Value>) -> Result<Code, Failure> {
    let one = match (&input.input, &input.file) {
        (Some(argument), _) => argument.clone(),
        (None, Some(path)) => {
            let text = fs::read_to_string(path).map_err(Failure::io(path.display().to_string()))?;
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)).to_owned()
        }
        (None, None) => return each_line(look),
    };
    let values = look(&one);
    for (at, value) in values.iter().enumerate() {
        match input.json {
            true if values.len() == 1 => print(&format!("{value:#}\n"))?,
            true => print(&format!("{value}\n"))?,
            false => print(&format!("{}{}", if at > 0 { "\n" } else { "" }, sheet(value)))?,
        }
    }
    Ok(worst(&values))
}

fn each_line(look: impl Fn(&str) -> Vec<Value>) -> Result<Code, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::Usage {
            message: "nothing to look at".to_owned(),
            hint: Some("give it as an argument, with --file, or a line each on stdin".to_owned()),
        });
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut code = Code::Clean;
    let mut line = Vec::new();
    let mut stdin = stdin.lock();
    while stdin.read_until(b'\n', &mut line).map_err(Failure::io("can't read stdin"))? > 0 {
        // Receipts hold whatever a carrier wrote.
        let text = String::from_utf8_lossy(&line);
        let values = look(text.trim_end_matches(['\n', '\r']));
        for value in &values {
            writeln!(out, "{value}").map_err(Failure::io("can't write to stdout"))?;
        }
        if worst(&values) != Code::Clean {
            code = Code::Failures;
        }
        line.clear();
    }
    out.flush().map_err(Failure::io("can't write to stdout"))?;
    Ok(code)
}

/// 1 when something could not be read as what it should be.
fn worst(values: &[Value]) -> Code {
    let is_wrong = |value: &Value| {
        let action = value.get("action").and_then(Value::as_str);
        value.get("error").is_some() || matches!(action, Some("fatal" | "wait")) || value.get("octet").is_some()
    };
    if values.iter().any(is_wrong) { Code::Failures } else { Code::Clean }
}
