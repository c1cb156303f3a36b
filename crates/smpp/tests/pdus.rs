//! PDUs of every kind come back as they were written, and garbage never costs the place in the
//! stream.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::{collection::vec, option, prelude::*, sample::select};
use volley_smpp::pdu::{
    Address, AlertNotification, Bind, BindResp, CancelSm, CommandId, CommandStatus, DataSm, Destination, Destinations,
    Header, MAX_PDU_LEN, MessageResp, Outbind, Pdu, QuerySm, QuerySmResp, RawPdu, ReplaceSm, ShortMessage, SubmitMulti,
    SubmitMultiResp, Tlvs, Unsuccessful, put_tlv, split_frame,
};

/// What PDUs borrow from.
#[derive(Debug, Clone)]
struct Owned {
    words: [Vec<u8>; 8],
    numbers: [u8; 8],
    text: Vec<u8>,
    tlvs: Vec<u8>,
    n_destinations: usize,
    status: u32,
}

fn word(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8..=255, 0..=max)
}

fn owned() -> impl Strategy<Value = Owned> {
    let words = [word(15), word(12), word(20), word(20), word(16), word(16), word(64), word(40)];
    let tlvs = vec((any::<u16>(), vec(any::<u8>(), 0..40)), 0..5).prop_map(|tlvs| {
        let mut out = Vec::new();
        tlvs.iter().for_each(|(tag, value)| put_tlv(&mut out, *tag, value));
        out
    });
    (words, any::<[u8; 8]>(), vec(any::<u8>(), 0..=254), tlvs, 0_usize..=255, option::of(any::<u32>())).prop_map(
        |(words, numbers, text, tlvs, n_destinations, status)| Owned {
            words,
            numbers,
            text,
            tlvs,
            n_destinations,
            status: status.unwrap_or(0),
        },
    )
}

impl Owned {
    fn address(&self, word: usize) -> Address<'_> {
        Address { ton: self.numbers[word], npi: self.numbers[word + 1], addr: &self.words[word] }
    }

    fn message(&self) -> ShortMessage<'_> {
        let [esm_class, protocol_id, priority_flag, registered_delivery, replace, data_coding, id, _] = self.numbers;
        ShortMessage {
            service_type: &self.words[0][..self.words[0].len().min(5)],
            source: self.address(2),
            destination: self.address(3),
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time: &self.words[4],
            validity_period: &self.words[5],
            registered_delivery,
            replace_if_present_flag: replace,
            data_coding,
            sm_default_msg_id: id,
            short_message: &self.text,
            tlvs: Tlvs::new(&self.tlvs),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table of all kinds")]
    /// One PDU of each kind. `lists`: scratch for recipients of submit_multi, and for its refusals.
    fn pdus<'a>(&'a self, lists: &'a mut [Vec<u8>; 2]) -> Vec<(CommandId, Pdu<'a>)> {
        let tlvs = Tlvs::new(&self.tlvs);
        let [id, service_type] = [&self.words[6][..], &self.words[0][..self.words[0].len().min(5)]];
        let (source, destination) = (self.address(2), self.address(3));
        let message = self.message();
        let resp = MessageResp { message_id: id, tlvs };
        let [recipients, refused] = lists;
        let n = self.n_destinations;
        let each = [Destination::Sme(destination), Destination::List(&self.words[1])];
        let destinations = Destinations::write(&each.into_iter().cycle().take(n).collect::<Vec<_>>(), recipients);
        let unsuccessful = Unsuccessful::write(&vec![(source, CommandStatus(self.status)); n], refused);
        let multi = SubmitMulti { destinations, message: ShortMessage { destination: Address::default(), ..message } };
        let bind = Bind {
            system_id: &self.words[0],
            password: &self.words[6],
            system_type: &self.words[1],
            interface_version: self.numbers[0],
            addr_ton: self.numbers[1],
            addr_npi: self.numbers[2],
            address_range: &self.words[7],
        };
        let data_sm = DataSm {
            service_type,
            source: Address { addr: id, ..source },
            destination,
            esm_class: self.numbers[0],
            registered_delivery: self.numbers[1],
            data_coding: self.numbers[2],
            tlvs,
        };
        let [message_state, error_code, registered_delivery, sm_default_msg_id, ..] = self.numbers;
        let query_resp = QuerySmResp { message_id: id, final_date: &self.words[4], message_state, error_code, tlvs };
        let replace = ReplaceSm {
            message_id: id,
            source,
            schedule_delivery_time: &self.words[4],
            validity_period: &self.words[5],
            registered_delivery,
            sm_default_msg_id,
            short_message: &self.text,
            tlvs,
        };
        let bind_resp = BindResp { system_id: &self.words[0], tlvs };
        vec![
            (CommandId::BindReceiver, Pdu::Bind(bind)),
            (CommandId::BindTransmitter, Pdu::Bind(bind)),
            (CommandId::BindTransceiver, Pdu::Bind(bind)),
            (CommandId::BindReceiverResp, Pdu::BindResp(bind_resp)),
            (CommandId::BindTransmitterResp, Pdu::BindResp(bind_resp)),
            (CommandId::BindTransceiverResp, Pdu::BindResp(bind_resp)),
            (CommandId::Outbind, Pdu::Outbind(Outbind { system_id: &self.words[0], password: id })),
            (CommandId::SubmitSm, Pdu::SubmitSm(message)),
            (CommandId::SubmitSmResp, Pdu::SubmitSmResp(resp)),
            (CommandId::DeliverSm, Pdu::DeliverSm(message)),
            (CommandId::DeliverSmResp, Pdu::DeliverSmResp(resp)),
            (CommandId::DataSm, Pdu::DataSm(data_sm)),
            (CommandId::DataSmResp, Pdu::DataSmResp(resp)),
            (CommandId::QuerySm, Pdu::QuerySm(QuerySm { message_id: id, source })),
            (CommandId::QuerySmResp, Pdu::QuerySmResp(query_resp)),
            (CommandId::CancelSm, Pdu::CancelSm(CancelSm { service_type, message_id: id, source, destination })),
            (CommandId::CancelSmResp, Pdu::CancelSmResp),
            (CommandId::ReplaceSm, Pdu::ReplaceSm(replace)),
            (CommandId::ReplaceSmResp, Pdu::ReplaceSmResp),
            (CommandId::SubmitMulti, Pdu::SubmitMulti(multi)),
            (CommandId::SubmitMultiResp, Pdu::SubmitMultiResp(SubmitMultiResp { message_id: id, unsuccessful, tlvs })),
            (
                CommandId::AlertNotification,
                Pdu::AlertNotification(AlertNotification { source, esme: destination, tlvs }),
            ),
            (CommandId::EnquireLink, Pdu::EnquireLink),
            (CommandId::EnquireLinkResp, Pdu::EnquireLinkResp),
            (CommandId::Unbind, Pdu::Unbind),
            (CommandId::UnbindResp, Pdu::UnbindResp),
            (CommandId::GenericNack, Pdu::GenericNack),
            (CommandId::Unknown(0x0001_0200), Pdu::Other(&self.text)),
        ]
    }
}

fn header(id: CommandId, status: CommandStatus, sequence_number: u32) -> Header {
    Header { command_length: 0, command_id: id, command_status: status, sequence_number }
}

proptest! {
    #[test]
    fn every_pdu_comes_back_as_it_was_written(owned in owned(), sequence: u32) {
        let mut lists = [Vec::new(), Vec::new()];
        let pdus = owned.pdus(&mut lists);
        let mut stream = Vec::new();
        for (id, pdu) in &pdus {
            let status = if id.is_response() { CommandStatus(owned.status) } else { CommandStatus::ROK };
            let start = stream.len();
            pdu.encode(&header(*id, status, sequence), &mut stream).unwrap();
            let raw = split_frame(&stream[start..], MAX_PDU_LEN).unwrap().unwrap();
            prop_assert_eq!(raw.n_octets(), stream.len() - start);
            prop_assert_eq!((raw.header.command_id, raw.header.sequence_number), (*id, sequence));
            prop_assert_eq!(raw.decode(), Ok(*pdu), "{}", id.name());
        }
        // And all of them from one read buffer.
        let mut at = 0;
        for (id, pdu) in &pdus {
            let raw = split_frame(&stream[at..], MAX_PDU_LEN).unwrap().unwrap();
            prop_assert_eq!(raw.decode(), Ok(*pdu), "{}", id.name());
            at += raw.n_octets();
        }
        prop_assert_eq!(at, stream.len());
    }

    #[test]
    fn a_body_cut_anywhere_is_read_or_refused_with_its_place(owned in owned(), kind in 0_usize..28, share in 0.0_f64..1.0) {
        let mut lists = [Vec::new(), Vec::new()];
        let (id, pdu) = owned.pdus(&mut lists)[kind];
        let mut octets = Vec::new();
        pdu.encode(&header(id, CommandStatus::ROK, 1), &mut octets).unwrap();
        let n = 16 + ((octets.len() - 16) as f64 * share) as usize;
        octets.truncate(n);
        octets[..4].copy_from_slice(&(n as u32).to_be_bytes());
        if let Err(error) = split_frame(&octets, MAX_PDU_LEN).unwrap().unwrap().decode() {
            prop_assert!((16..=n).contains(&error.offset) && !error.field.is_empty(), "{error}");
        }
    }

    #[test]
    fn what_the_standard_does_not_allow_is_not_written(word in word(80), kind in select(vec![0_usize, 1, 2])) {
        let address = Address { ton: 1, npi: 1, addr: &word };
        let (field, message) = match kind {
            0 => (20, ShortMessage { source: address, ..ShortMessage::default() }),
            1 => (20, ShortMessage { destination: address, ..ShortMessage::default() }),
            _ => (16, ShortMessage { validity_period: &word, ..ShortMessage::default() }),
        };
        let mut out = vec![7];
        let written = message.encode(CommandId::SubmitSm, 1, &mut out);
        prop_assert_eq!(written.is_ok(), word.len() <= field);
        prop_assert!(written.is_ok() || out == [7]);
    }
}

/// xorshift64*, so that a run can be repeated by its seed alone.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Changes up to four octets behind the length.
fn mutate(pdu: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = 4 + random.below(pdu.len() - 4);
        match random.below(3) {
            0 => pdu[at] ^= 1 << random.below(8),
            1 => pdu[at] = random.next() as u8,
            _ => pdu[at] = [0, 0x7F, 0x80, 0xFF][random.below(4)],
        }
    }
}

fn next_pdu(octets: &[u8]) -> RawPdu<'_> {
    split_frame(octets, MAX_PDU_LEN).unwrap().unwrap()
}

/// A long stream of mutated PDUs, each followed by two good ones: whatever the garbage does, the
/// good ones are found where they stand and read as they are.
#[test]
fn after_garbage_the_next_pdus_are_where_they_should_be() {
    const N: usize = 3_000_000;
    let seed = 0x9E37_79B9_97F4_A7C1;
    let mut random = Random(seed);
    let receipt = ShortMessage {
        source: Address { ton: 1, npi: 1, addr: b"4915112345678" },
        destination: Address { ton: 5, npi: 0, addr: b"ACME" },
        esm_class: 4,
        short_message:
            b"id:77 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:DELIVRD err:000 text:",
        tlvs: Tlvs::new(&[0x04, 0x27, 0, 1, 2]),
        ..ShortMessage::default()
    };
    let resp = MessageResp { message_id: b"1234567890", ..MessageResp::default() };
    let mut kinds: [Vec<u8>; 3] = Default::default();
    let [submits, answers, receipts] = &mut kinds;
    receipt.encode(CommandId::SubmitSm, 1, submits).unwrap();
    resp.encode(CommandId::SubmitSmResp, CommandStatus::ROK, 2, answers).unwrap();
    receipt.encode(CommandId::DeliverSm, 3, receipts).unwrap();
    let [_, answers, receipts] = &kinds;
    let mut stream = Vec::new();
    let mut n_refused = 0;
    for n in 0..N {
        stream.clear();
        stream.extend_from_slice(&kinds[n % 3]);
        mutate(&mut stream, &mut random);
        let n_garbage = stream.len();
        stream.extend_from_slice(answers);
        stream.extend_from_slice(receipts);
        let garbage = split_frame(&stream, MAX_PDU_LEN).unwrap().unwrap();
        assert_eq!(garbage.n_octets(), n_garbage, "mutation {n} of seed {seed:#x}");
        n_refused += usize::from(garbage.decode().is_err());
        let first = next_pdu(&stream[n_garbage..]);
        assert_eq!(first.decode(), Ok(Pdu::SubmitSmResp(resp)), "mutation {n} of seed {seed:#x}");
        let second = next_pdu(&stream[n_garbage + first.n_octets()..]);
        assert_eq!(second.decode(), Ok(Pdu::DeliverSm(receipt)), "mutation {n} of seed {seed:#x}");
    }
    assert!((N / 50..N / 2).contains(&n_refused), "{n_refused} of {N} refused: the mutations don't bite");
}
