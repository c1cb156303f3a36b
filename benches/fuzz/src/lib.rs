//! What must hold for any octets. Each function panics where it doesn't; `cargo fuzz` looks for
//! such octets, and a test replays those that it kept.

use std::{fs, path::Path};

use volley_ingest::{
    Duplicates, Encoding as ListEncoding, Frozen, ListOptions, Plan, PlanChunk, Rejection, Rejects, Role, RowCheck,
    RowFacts, RowView, freeze,
    number::{NumberError, describe, normalise},
    propose,
};
use volley_smpp::{
    pdu::{Header, MAX_PDU_LEN, Pdu, ShortMessage, Tlvs, split_frame, tag},
    receipt::{IdMode, ReceiptDate, ReceiptRules, Side, fold_id, from_deliver_sm, parse_text},
    text::{
        Concat, DefaultAlphabet, Encoding, Language, SegmentOptions, Segments, Shifts, Smart, Split, UserDataHeader,
        decode_default, decode_text, decode_ucs2, explain, pack, simplify, unpack,
    },
    time::{self, Reading},
};

/// A stream of PDUs: what can be read is written and read again the same, and nothing costs the
/// place in the stream.
pub fn pdu(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(raw)) = split_frame(rest, MAX_PDU_LEN) {
        assert_eq!(raw.n_octets(), raw.header.command_length as usize);
        match raw.decode() {
            Ok(decoded) => {
                write_and_read(&raw.header, &decoded);
                look_inside(&decoded);
            }
            Err(error) => assert!(error.offset <= raw.n_octets() && !error.to_string().is_empty()),
        }
        rest = &rest[raw.n_octets()..];
    }
}

fn write_and_read(header: &Header, decoded: &Pdu<'_>) {
    let mut out = Vec::new();
    // What is longer than the standard allows is read, and not written.
    if decoded.encode(header, &mut out).is_err() {
        return assert!(out.is_empty());
    }
    let again = split_frame(&out, MAX_PDU_LEN).expect("a possible length").expect("a whole PDU");
    assert_eq!(again.decode().as_ref(), Ok(decoded));
}

fn look_inside(decoded: &Pdu<'_>) {
    match decoded {
        Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => read_message(message),
        Pdu::DataSm(message) => read_message(&message.as_short_message()),
        Pdu::SubmitMulti(multi) => assert_eq!(multi.destinations.iter().count(), multi.destinations.len()),
        Pdu::SubmitMultiResp(resp) => assert_eq!(resp.unsuccessful.iter().count(), resp.unsuccessful.len()),
        _ => {}
    }
}

fn read_message(message: &ShortMessage<'_>) {
    let (header, text) = message.header_and_text();
    assert_eq!(header.len() + text.len(), message.text_octets().len());
    let shifts = UserDataHeader::read(header).shifts;
    let _ = decode_text(message.data_coding, DefaultAlphabet::Gsm, shifts, text);
    let _ = from_deliver_sm(message, &ReceiptRules::default());
    for tlv in message.tlvs.iter() {
        let _ = tlv.read_as(tag::kind(tlv.tag));
    }
    for field in [message.validity_period, message.schedule_delivery_time] {
        if let Ok(time::SmppTime::Absolute(read)) = time::parse(field, Reading::Strict) {
            // Not the same text: "00-" is "00+".
            assert_eq!(time::parse(&read.to_text(), Reading::Strict), Ok(time::SmppTime::Absolute(read)));
        }
        let _ = time::parse(field, Reading::Tolerant);
    }
}

/// A receipt's text: fields lie in it, and what stands behind `text:` forges none.
pub fn receipt(data: &[u8]) {
    let text = parse_text(data);
    let fields = [text.id, text.sub, text.dlvrd, text.submit_date, text.done_date, text.stat, text.err, text.text];
    for field in fields.into_iter().flatten() {
        assert!(field.is_empty() || data.windows(field.len()).any(|window| window == field));
        let _ = ReceiptDate::read(field).map(|date| date.to_string());
    }
    for mode in IdMode::ALL {
        for side in [Side::Response, Side::Receipt] {
            let (mut key, mut again) = (Vec::new(), Vec::new());
            fold_id(mode, side, text.id.unwrap_or(data), &mut key);
            // The key of a decimal key is itself: folding loses nothing twice.
            fold_id(IdMode::BothDec, side, &key, &mut again);
            if key.iter().all(u8::is_ascii_digit) && mode == IdMode::BothHex {
                assert_eq!(key, again);
            }
        }
    }
    let forged = [b"id:777 stat:UNDELIV err:005 text:", data].concat();
    let text = parse_text(&forged);
    assert_eq!((text.id, text.stat, text.err), (Some(&b"777"[..]), Some(&b"UNDELIV"[..]), Some(&b"005"[..])));
    for esm_class in [0, 4, 0x44] {
        let message = ShortMessage { esm_class, short_message: data, ..ShortMessage::default() };
        let is_receipt = from_deliver_sm(&message, &ReceiptRules::default()).is_some();
        assert!(is_receipt || esm_class == 0);
        let message = ShortMessage { esm_class, tlvs: Tlvs::new(data), ..ShortMessage::default() };
        let _ = from_deliver_sm(&message, &ReceiptRules::default());
    }
}

/// A text: cut in every way it rejoins, and no segment is over its size; octets are read in every
/// alphabet.
pub fn alphabet(data: &[u8]) {
    let [choice, octets @ ..] = data else { return };
    let text = String::from_utf8_lossy(octets);
    let choice = usize::from(*choice);
    let options = SegmentOptions {
        alphabet: DefaultAlphabet::ALL[choice % 7],
        concat: [Concat::Udh8, Concat::Udh16, Concat::Sar, Concat::Payload][choice / 7 % 4],
        smart: Smart::ALL[choice / 28 % 5],
        languages: Language::ALL.into_iter().skip(choice % 14).take(2).collect(),
        split: if choice < 128 { Split::Grapheme } else { Split::CodePoint },
        max_segments: 255,
    };
    cut(&text, &options);
    for smart in Smart::ALL {
        let mut simple = String::new();
        simplify(&text, smart, &[], &mut simple);
    }
    let _ = explain(&text, &options);
    let mut packed = Vec::new();
    pack(octets, (choice % 7) as u8, &mut packed);
    let mut back = Vec::new();
    unpack(&packed, (choice % 7) as u8, octets.len(), &mut back);
    assert!(back.iter().zip(octets).all(|(back, octet)| *back == octet & 0x7F) && back.len() == octets.len());
    for data_coding in [0, 1, 3, 8, 0x10, 0xF0] {
        let shifts =
            Shifts { locking: Language::from_id(choice as u8 % 14), single: Language::from_id(choice as u8 / 14) };
        let _ = decode_text(data_coding, options.alphabet, shifts, octets);
    }
    let _ = UserDataHeader::read(octets);
}

fn cut(text: &str, options: &SegmentOptions) {
    let mut segments = Segments::default();
    if segments.cut(text, options).is_err() {
        return;
    }
    let chosen = segments.text(text);
    let parts: String = (0..segments.len()).map(|n| segments.part_text(text, n)).collect();
    assert_eq!(parts, chosen);
    let octets: Vec<u8> = (0..segments.len()).flat_map(|n| segments.octets(n).iter().copied()).collect();
    let read = match segments.encoding() {
        Encoding::Ucs2 => decode_ucs2(&octets),
        Encoding::National(shifts) => decode_default(DefaultAlphabet::Gsm, shifts, &octets),
        // Airwide's octets mean others in replies.
        Encoding::Default if options.alphabet == DefaultAlphabet::AirwideIa5 => chosen.to_owned(),
        Encoding::Default => decode_default(options.alphabet, Shifts::default(), &octets),
    };
    assert_eq!(read, chosen);
    if options.concat == Concat::Payload {
        return;
    }
    for n in 0..segments.len() {
        let mut header = Vec::new();
        segments.put_header(n, 7, &mut header);
        let air = if options.concat == Concat::Sar && segments.len() > 1 { 6 } else { header.len() };
        let n_octets = match segments.encoding() {
            Encoding::Ucs2 => segments.units(n) * 2,
            Encoding::Default if !options.alphabet.is_seven_bit() => segments.units(n),
            Encoding::Default | Encoding::National(_) => (segments.units(n) * 7).div_ceil(8),
        };
        // Septets begin at a septet's border behind the header.
        let n_fill = if segments.encoding() == Encoding::Ucs2 { 0 } else { usize::from(air > 0) };
        assert!(air + n_octets <= 140 + n_fill, "part {n}: {air} + {n_octets} octets");
    }
}

/// A number from a list: read or refused, and what is read has 15 digits at most.
pub fn number(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for country in [None, Some("DE"), Some("US"), Some("AR"), Some("IT"), Some("RU"), Some("CI"), Some("xx")] {
        match normalise(&text, country) {
            Ok(number) => {
                let digits = number.msisdn.to_string();
                assert!((5..=15).contains(&digits.trim_start_matches('+').len()), "{digits}");
                let facts = describe(&text, country).expect("what is read can be described");
                assert_eq!(facts.e164.trim_start_matches('+'), digits.trim_start_matches('+'));
                assert!(!number.is_valid() || number.is_possible());
            }
            Err(NumberError::TooLong | NumberError::TooShort) => {}
            Err(error) => assert!(describe(&text, country).is_err(), "{error}"),
        }
    }
}

/// Accepts every row whose first kept column doesn't begin with an x.
struct Check;

impl RowCheck for Check {
    type Scratch = ();

    fn check(&self, row: &RowView<'_>, (): &mut ()) -> Result<RowFacts, Rejection> {
        if row.field(0).starts_with('x') {
            return Err(Rejection { column: None, code: "refused", reason: "as asked".to_owned() });
        }
        Ok(RowFacts { n_segments: 1, variant: row.field(0).len() as u8, is_ucs2: false })
    }
}

/// Any octets as a list: looked at, and frozen as it proposes and as it is said to be.
pub fn list(data: &[u8]) {
    let [choice, octets @ ..] = data else { return };
    let folder = Folder::new();
    fs::write(folder.0.path().join("list.csv"), octets).expect("a writable folder");
    let mut options = ListOptions {
        default_country: [None, Some("DE"), Some("US"), Some("AR")][usize::from(choice % 4)].map(str::to_owned),
        header: choice & 4 == 0,
        duplicates: if choice & 8 == 0 { Duplicates::First } else { Duplicates::Last },
        clean_e164: choice & 16 != 0,
        encoding: [None, None, Some(ListEncoding::Utf8), Some(ListEncoding::Utf16Le)][usize::from(choice >> 5 & 3)],
        quote: (choice & 128 != 0).then(|| "none".to_owned()),
        ..ListOptions::new(folder.0.path().join("list.csv"), "#1")
    };
    if let Ok(proposal) = propose(&options) {
        assert!(proposal.header.len() <= 256);
        let number = proposal.column(Role::Number);
        number.into_iter().for_each(|number| options.to.clone_from(&number.column));
        options.columns = proposal.header.first().into_iter().cloned().collect();
    }
    frozen(&options, folder.0.path());
}

/// Any octets as what the campaign says of a list: names of columns, quote, delimiter, country.
pub fn mapping(data: &[u8]) {
    const LIST: &str = "phone,name,code,phone 2,country\n+4915112345678,Ann,A1,,DE\n0151 12345679,x,A2,12,GB\n";
    let text = String::from_utf8_lossy(data);
    let mut words = text.split('\n').map(str::to_owned);
    let folder = Folder::new();
    fs::write(folder.0.path().join("list.csv"), LIST).expect("a writable folder");
    let mut options = ListOptions::new(folder.0.path().join("list.csv"), words.next().unwrap_or_default());
    options.default_country = words.next().filter(|word| !word.is_empty());
    options.country_column = words.next().filter(|word| !word.is_empty());
    options.quote = words.next().filter(|word| !word.is_empty());
    options.delimiter = words.next().and_then(|word| word.chars().next());
    options.header = words.next().is_none_or(|word| word.is_empty());
    options.columns = words.take(300).collect();
    frozen(&options, folder.0.path());
}

/// In memory where the machine allows it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let memory = tempfile::tempdir_in("/dev/shm");
        Self(memory.or_else(|_| tempfile::tempdir()).expect("a writable folder"))
    }
}

/// What is frozen adds up, stands in order, and can be read again; no number is there twice.
fn frozen(options: &ListOptions, folder: &Path) {
    let dir = folder.join("plan");
    let Ok(frozen) = freeze(options, &Check, &dir, &mut |_| ()) else { return };
    let n_rejected: u64 = frozen.rejected.values().sum();
    assert_eq!(frozen.n_rows, u64::from(frozen.n_valid) + n_rejected);
    assert_eq!(Rejects::open(&dir, &frozen.options.to).expect("rejects").count() as u64, n_rejected);
    assert_eq!(rows(&frozen, &dir), frozen.n_valid);
}

fn rows(frozen: &Frozen, dir: &Path) -> u32 {
    let plan = Plan::open(dir).expect("a plan");
    assert_eq!(plan.frozen(), frozen);
    let (mut chunk, mut numbers, mut line) = (PlanChunk::default(), Vec::new(), 0);
    for number in 0..plan.n_chunks() {
        plan.read_chunk(number, &mut chunk).expect("a chunk");
        for row in (0..=u16::MAX).map_while(|offset| chunk.row(offset)) {
            assert!(row.line > line, "rows stand in the order of the list");
            line = row.line;
            numbers.push(row.msisdn);
            for column in 0..plan.columns().len() {
                assert!(!row.field(column).contains('\0'));
            }
        }
    }
    let n_rows = numbers.len() as u32;
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len() as u32, n_rows, "no number twice");
    n_rows
}
