//! SMPP 3.4 PDUs, SMS alphabets, segmentation and receipt text, without I/O.
//!
//! [`pdu`] frames and decodes what lies in a read buffer without copying, and encodes straight
//! into a write buffer; [`text`] turns a text into segments; [`receipt`] reads delivery receipts
//! and folds message ids; [`reply`] joins the parts of messages to us and
//! finds keywords in them; [`address`] chooses TON and NPI; [`time`] writes validity periods.

pub mod address;
pub mod pdu;
pub mod receipt;
pub mod reply;
pub mod text;
pub mod time;
