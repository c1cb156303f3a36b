//! What two or more crates of volley share: ids, the recipient's number, the states of a
//! message, receipts, text templates, rates and the clock. No I/O, no tokio, no sled.

pub mod clock;
pub mod ids;
pub mod msisdn;
pub mod planted;
pub mod rate;
pub mod receipt;
pub mod state;
pub mod template;

pub use clock::{Clock, SystemClock, UnixMicros};
pub use ids::{CHUNK_ROWS, CampaignId, CarrierIndex, MessageToken, RowIndex};
pub use msisdn::{Msisdn, RecipientCheck, SenderCheck, tail_of_address};
pub use rate::Rate;
pub use receipt::ReceiptState;
pub use state::{MessageState, StateCounts};
pub use template::{Template, TemplateError};
