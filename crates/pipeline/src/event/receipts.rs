//! Receipts.

use volley_core::{ReceiptState, RecipientCheck, SenderCheck};
use volley_smpp::receipt::ReceiptDate;

use super::ReceiptHandle;

/// Receipts of one turn, in the order in which they came, with their ids and error codes in one
/// buffer.
#[derive(Debug, Clone, Default)]
pub struct ReceiptBatch {
    items: Vec<Item>,
    octets: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    handle: ReceiptHandle,
    state: ReceiptState,
    check: Option<RecipientCheck>,
    destination_check: Option<RecipientCheck>,
    recipient_tail: Option<u64>,
    sender: SenderCheck,
    submitted: Option<ReceiptDate>,
    raw_end: u32,
    id_end: u32,
    err_end: u32,
}

/// One receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// For [`Carrier::acknowledge`](crate::Carrier::acknowledge).
    pub handle: ReceiptHandle,
    /// The message's id, folded for matching; empty when the receipt names none.
    pub id: &'a [u8],
    /// What it says; a word that nobody knows counts as [`ReceiptState::Unknown`].
    pub state: ReceiptState,
    /// The carrier's error code as text; empty when there is none.
    pub err: &'a [u8],
    /// Of the recipient: the receipt's source address or, where that is no number, its
    /// destination address.
    pub check: Option<RecipientCheck>,
    /// Of the destination address, for carriers that don't swap the addresses.
    pub destination_check: Option<RecipientCheck>,
    /// The id as it came.
    pub raw_id: &'a [u8],
    /// The last digits of the source address, which is the recipient ([`volley_core::tail_of_address`]).
    pub recipient_tail: Option<u64>,
    /// Of the destination address, which is the message's sender.
    pub sender: SenderCheck,
    /// When the carrier took the message, in its own local time.
    pub submitted: Option<ReceiptDate>,
}

impl ReceiptBatch {
    /// Number of receipts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Each receipt, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Receipt<'_>> {
        let mut start = 0;
        self.items.iter().map(move |item| {
            let octets = |from: u32, to: u32| self.octets.get(from as usize..to as usize).unwrap_or_default();
            let (raw_id, id) = (octets(start, item.raw_end), octets(item.raw_end, item.id_end));
            let err = octets(item.id_end, item.err_end);
            start = item.err_end;
            Receipt {
                handle: item.handle,
                id,
                state: item.state,
                err,
                check: item.check,
                destination_check: item.destination_check,
                raw_id,
                recipient_tail: item.recipient_tail,
                sender: item.sender,
                submitted: item.submitted,
            }
        })
    }

    /// Adds a receipt; `fold` appends its folded id, in place of `receipt.id`.
    pub(crate) fn push(&mut self, receipt: Receipt<'_>, fold: impl FnOnce(&mut Vec<u8>)) {
        self.octets.extend_from_slice(receipt.raw_id);
        let raw_end = self.octets.len() as u32;
        fold(&mut self.octets);
        let id_end = self.octets.len() as u32;
        self.octets.extend_from_slice(receipt.err);
        let err_end = self.octets.len() as u32;
        let Receipt { handle, state, check, destination_check, recipient_tail, sender, submitted, .. } = receipt;
        self.items.push(Item {
            handle,
            state,
            check,
            destination_check,
            recipient_tail,
            sender,
            submitted,
            raw_end,
            id_end,
            err_end,
        });
    }
}
