//! Writing the head of a PDU, all but its text and TLVs, into octets that are zero already: every
//! NUL is there, and short strings are copied in two steps.

use super::{CommandId, CommandStatus, EncodeError, HEADER_LEN, MAX_PDU_LEN};

/// Octets of the longest head: of a submit_sm all of whose fields are full.
const HEAD_MAX: usize = 112;

/// What is left of a head to be written.
pub(super) struct Cursor<'a> {
    rest: &'a mut [u8],
}

/// What is known of a PDU before it is written.
#[derive(Clone, Copy)]
pub(super) struct Outline {
    pub(super) id: CommandId,
    pub(super) status: CommandStatus,
    pub(super) sequence_number: u32,
    /// Octets behind the header, up to the text or the TLVs.
    pub(super) n_head: usize,
}

/// Appends a PDU: its header, then what `head` writes, then `tails` as they are.
#[inline(always)]
pub(super) fn append(
    out: &mut Vec<u8>,
    outline: Outline,
    head: impl FnOnce(&mut Cursor<'_>),
    tails: [&[u8]; 2],
) -> Result<(), EncodeError> {
    let [text, tlvs] = tails;
    let n_head = HEADER_LEN + outline.n_head;
    let n_octets = n_head + text.len() + tlvs.len();
    let max = MAX_PDU_LEN as usize;
    if n_octets > max {
        return Err(EncodeError { field: "the PDU", n_octets, max });
    }
    let start = out.len();
    out.reserve(n_octets.max(HEAD_MAX));
    // A number of zeros that is known when this is compiled costs next to nothing.
    out.extend_from_slice(&[0; HEAD_MAX]);
    let mut cursor = Cursor { rest: out.get_mut(start..).unwrap_or_default() };
    for word in [n_octets as u32, outline.id.to_u32(), outline.status.0, outline.sequence_number] {
        cursor.put(word.to_be_bytes());
    }
    head(&mut cursor);
    out.truncate(start + n_head);
    out.extend_from_slice(text);
    if !tlvs.is_empty() {
        out.extend_from_slice(tlvs);
    }
    Ok(())
}

/// Octets of a C-string with its NUL, if it fits.
#[inline(always)]
pub(super) const fn c_string_len(field: &'static str, value: &[u8], max: usize) -> Result<usize, EncodeError> {
    if value.len() > max {
        return Err(EncodeError { field, n_octets: value.len(), max });
    }
    Ok(value.len() + 1)
}

impl Cursor<'_> {
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, octets: [u8; N]) {
        if let Some((place, rest)) = std::mem::take(&mut self.rest).split_first_chunk_mut() {
            *place = octets;
            self.rest = rest;
        }
    }

    /// A NUL within would end the field early and shift all that follow: it becomes a question
    /// mark.
    #[inline(always)]
    pub(super) fn c_string(&mut self, value: &[u8]) {
        let Some((place, rest)) = std::mem::take(&mut self.rest).split_at_mut_checked(value.len()) else { return };
        self.rest = rest.get_mut(1..).unwrap_or_default();
        if !value.is_empty() && copy_short(value, place) {
            replace_nuls(place);
        }
    }
}

/// Copies, and says whether a NUL was there. Up to sixteen octets take two steps that overlap.
#[inline(always)]
fn copy_short(value: &[u8], place: &mut [u8]) -> bool {
    if let (Some(first), Some(last)) = (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        let mut nul = has_zero(u64::from_le_bytes(*first)) || has_zero(u64::from_le_bytes(*last));
        if value.len() > 16 {
            place.copy_from_slice(value);
            nul |= value.contains(&0);
        } else {
            put_first(place, *first);
            put_last(place, *last);
        }
        return nul;
    }
    if let (Some(first), Some(last)) = (value.first_chunk::<4>(), value.last_chunk::<4>()) {
        put_first(place, *first);
        put_last(place, *last);
        let word = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
        return has_zero(word);
    }
    let mut nul = false;
    for (place, octet) in place.iter_mut().zip(value) {
        *place = *octet;
        nul |= *octet == 0;
    }
    nul
}

#[inline(always)]
const fn has_zero(word: u64) -> bool {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080 != 0
}

#[inline(always)]
fn put_first<const N: usize>(place: &mut [u8], octets: [u8; N]) {
    if let Some(place) = place.first_chunk_mut() {
        *place = octets;
    }
}

#[inline(always)]
fn put_last<const N: usize>(place: &mut [u8], octets: [u8; N]) {
    if let Some(place) = place.last_chunk_mut() {
        *place = octets;
    }
}

#[cold]
fn replace_nuls(written: &mut [u8]) {
    written.iter_mut().filter(|octet| **octet == 0).for_each(|octet| *octet = b'?');
}
