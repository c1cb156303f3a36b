//! Arguments of `volley inspect`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(subcommand)]
    pub(crate) what: Inspect,
}

const INPUT: &str = "\
An argument or a file is one input; on stdin each line is one, and each gives a line of JSON.";

#[derive(Debug, Subcommand)]
pub(crate) enum Inspect {
    /// Alphabet, segments, and the characters that force UCS-2
    #[command(after_help = format!("\
Examples:
  volley inspect text \"It’s 20 % off…\"
  volley inspect text --smart punct \"It’s 20 % off…\" --json
  volley inspect text --lang tr --concat udh16 \"Şimdi alışveriş\"
  volley inspect text --smart accents --keep Ł77 \"Łódź: Ł77\"
  cut -d, -f3 texts.csv | volley inspect text

{INPUT}"))]
    Text(InspectText),
    /// Every field and TLV of a PDU, or what is wrong and at which octet
    #[command(after_help = format!("\
Examples:
  volley inspect pdu 00000010800000040000005800000003
  volley inspect pdu --file capture.hex --json
  volley inspect pdu < capture.hex

Blanks, line feeds and colons between the digits don't count; an argument or a file may hold
several PDUs. {INPUT}"))]
    Pdu(InspectInput),
    /// Id, state, error and dates of a receipt's text
    #[command(after_help = format!("\
Examples:
  volley inspect receipt \"id:77 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:DELIVRD err:000 text:\"
  volley inspect receipt --json < receipts.txt

{INPUT}"))]
    Receipt(InspectInput),
    /// E.164 form, kind of line, country and time zones of a number
    #[command(after_help = format!("\
Examples:
  volley inspect number \"0151 12345678\" --country DE
  volley inspect number +12025550143 --json
  cut -d, -f1 list.csv | volley inspect number --country GB

{INPUT}"))]
    Number {
        /// Country of numbers without a country code (ISO 3166, such as DE)
        #[arg(long, value_name = "COUNTRY")]
        country: Option<String>,
        #[command(flatten)]
        input: InspectInput,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InspectInput {
    /// What to look at [default: each line of stdin]
    pub(crate) input: Option<String>,
    /// Look at what stands in a file
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(crate) file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectText {
    /// What may be replaced: none, punct, accents, lookalike or full
    #[arg(long, value_name = "LEVEL", default_value = "none")]
    pub(crate) smart: String,
    /// Allow the national tables of a language, such as tr; can be given several times
    #[arg(long = "lang", value_name = "LANGUAGE")]
    pub(crate) languages: Vec<String>,
    /// How parts are tied together: udh8, udh16, sar or payload
    #[arg(long, default_value = "udh8", value_parser = ["udh8", "udh16", "sar", "payload"])]
    pub(crate) concat: String,
    /// What data_coding 0 means: gsm, latin1, ascii, vfd2, vftr, tmobile-nl or airwide-ia5
    #[arg(long, value_name = "NAME", default_value = "gsm")]
    pub(crate) alphabet: String,
    /// Where it may be cut: between grapheme clusters or code points
    #[arg(long, default_value = "grapheme", value_parser = ["grapheme", "codepoint"])]
    pub(crate) split: String,
    /// A piece of the text that stays as it is, such as a code; can be given several times
    #[arg(long, value_name = "PIECE")]
    pub(crate) keep: Vec<String>,
    #[command(flatten)]
    pub(crate) input: InspectInput,
}
