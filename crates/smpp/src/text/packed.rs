//! Packed septets, as they are on air (3GPP TS 23.038, 6.1.2.1). SMPP carries one septet in an
//! octet; packing is for inspection, and for the rare carrier that passes packed text through.

/// Appends `septets` packed, least significant bit first, behind `n_fill` bits of filling (0 to 6:
/// behind a user data header text begins at a septet's border). Only the low seven bits of each
/// octet count. The last octet is filled with zeros: seven septets leave one that reads as `@`.
pub fn pack(septets: &[u8], n_fill: u8, out: &mut Vec<u8>) {
    let mut waiting: u16 = 0;
    let mut n_waiting = u32::from(n_fill.min(6));
    for septet in septets {
        waiting |= u16::from(septet & 0x7F) << n_waiting;
        n_waiting += 7;
        if n_waiting >= 8 {
            out.push(waiting as u8);
            waiting >>= 8;
            n_waiting -= 8;
        }
    }
    if n_waiting > 0 {
        out.push(waiting as u8);
    }
}

/// Appends `n_septets` unpacked from `octets` behind `n_fill` bits of filling (0 to 6), as many as
/// there are.
pub fn unpack(octets: &[u8], n_fill: u8, n_septets: usize, out: &mut Vec<u8>) {
    let n_fill = usize::from(n_fill.min(6));
    let n_there = (octets.len() * 8).saturating_sub(n_fill) / 7;
    for n in 0..n_septets.min(n_there) {
        let bit = n_fill + n * 7;
        let octet = |at: usize| octets.get(at).copied().unwrap_or(0);
        let pair = u16::from_le_bytes([octet(bit / 8), octet(bit / 8 + 1)]);
        out.push((pair >> (bit % 8)) as u8 & 0x7F);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standard_s_example_is_packed() {
        let mut out = Vec::new();
        pack(b"hellohello", 0, &mut out);
        assert_eq!(out, [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
        let mut back = Vec::new();
        unpack(&out, 0, 99, &mut back);
        assert_eq!(back, b"hellohello");
    }

    proptest! {
        #[test]
        fn packed_septets_come_back(septets in prop::collection::vec(0_u8..128, 0..200), n_fill in 0_u8..7) {
            let mut packed = Vec::new();
            pack(&septets, n_fill, &mut packed);
            prop_assert_eq!(packed.len(), (septets.len() * 7 + usize::from(n_fill)).div_ceil(8));
            let mut back = Vec::new();
            unpack(&packed, n_fill, septets.len(), &mut back);
            prop_assert_eq!(back, septets);
        }
    }
}
