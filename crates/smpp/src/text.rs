//! Texts into segments, and back (HANDBOOK B.4 to B.9).

mod alphabet;
mod explain;
mod gsm;
mod national;
mod packed;
mod romanise;
mod segments;
mod smart;
mod udh;

pub use alphabet::{DefaultAlphabet, data_coding_name, decode_default, decode_text, decode_ucs2};
pub use explain::{Cost, Explanation, Forcing, explain};
pub use gsm::{gsm_septets, put_gsm};
pub use national::{Language, Languages, Shifts};
pub use packed::{pack, unpack};
pub use segments::{Encoding, SegmentOptions, Segments, Split, TooManySegments};
pub use smart::{Smart, UnknownLevel, simplify};
pub use udh::{Concat, Part, UserDataHeader, put_sar, reference};
