//! A client that reads and writes as it is told.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use volley_simulator::{Account, Setup, Simulator, SimulatorOptions};
use volley_smpp::pdu::{
    Address, Bind, CommandId, CommandStatus, MAX_PDU_LEN, Pdu, RawPdu, ShortMessage, encode_header_only, split_frame,
};

/// Nothing here takes longer, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start(simulator: &str) -> Simulator {
    eprintln!("simulator.toml:\n{simulator}");
    let options = SimulatorOptions::from_toml(simulator, Path::new("simulator.toml")).unwrap();
    let account = Account { name: "smsc".to_owned(), listen: ([127, 0, 0, 1], 0).into(), options };
    Simulator::start(vec![account], Setup::default()).unwrap()
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    input: Vec<u8>,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// Sequence number and id.
    Answer(u32, String),
    /// Id and state.
    Receipt(String, String),
    Other(CommandId, CommandStatus),
    /// The end, with the octets of what was begun.
    End(usize),
    Reset,
    /// What can't be framed.
    Garbage,
}

impl Came {
    fn of(pdu: &RawPdu<'_>) -> Self {
        let (header, decoded) = (pdu.header, pdu.decode().unwrap());
        if let Pdu::DeliverSm(message) = decoded {
            let text = String::from_utf8(message.text_octets().to_vec()).unwrap();
            let word = |label: &str| text.split_once(label).unwrap().1.split(' ').next().unwrap().to_owned();
            return Self::Receipt(word("id:"), word("stat:"));
        }
        if let Pdu::SubmitSmResp(resp) = decoded
            && header.command_status == CommandStatus::ROK
        {
            return Self::Answer(header.sequence_number, String::from_utf8(resp.message_id.to_vec()).unwrap());
        }
        Self::Other(header.command_id, header.command_status)
    }
}

impl Client {
    pub(crate) fn connect(simulator: &Simulator, kind: CommandId) -> (Self, Came) {
        let stream = TcpStream::connect(simulator.addr(0).unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream, input: Vec::new() };
        let mut pdu = Vec::new();
        Bind { system_id: b"acme", ..Bind::default() }.encode(kind, 1, &mut pdu).unwrap();
        client.stream.write_all(&pdu).unwrap();
        let came = client.next();
        (client, came)
    }

    pub(crate) fn bound(simulator: &Simulator) -> Self {
        let (client, came) = Self::connect(simulator, CommandId::BindTransceiver);
        assert_eq!(came, Came::Other(CommandId::BindTransceiverResp, CommandStatus::ROK));
        client
    }

    /// Submits with these sequence numbers, in one write.
    pub(crate) fn submit(&mut self, sequences: std::ops::Range<u32>) {
        let mut pdus = Vec::new();
        for sequence in sequences {
            let to = format!("4915{sequence:09}");
            let message = ShortMessage {
                source: Address { ton: 5, npi: 0, addr: b"ACME" },
                destination: Address { ton: 1, npi: 1, addr: to.as_bytes() },
                registered_delivery: 1,
                short_message: b"text",
                ..ShortMessage::default()
            };
            message.encode(CommandId::SubmitSm, sequence, &mut pdus).unwrap();
        }
        self.stream.write_all(&pdus).unwrap();
    }

    pub(crate) fn write_header(&mut self, id: CommandId, sequence: u32) {
        let mut pdu = Vec::new();
        encode_header_only(id, CommandStatus::ROK, sequence, &mut pdu);
        self.stream.write_all(&pdu).unwrap();
    }

    pub(crate) fn next(&mut self) -> Came {
        loop {
            match split_frame(&self.input, MAX_PDU_LEN) {
                Ok(Some(pdu)) => {
                    let (came, n_octets) = (Came::of(&pdu), pdu.n_octets());
                    self.input.drain(..n_octets);
                    return came;
                }
                Ok(None) => {}
                Err(_) => return Came::Garbage,
            }
            let mut octets = [0; 4_096];
            match self.stream.read(&mut octets) {
                Ok(0) => return Came::End(self.input.len()),
                Ok(n) => self.input.extend(octets.iter().take(n)),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Came::Reset,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn take(&mut self, n: usize) -> Vec<Came> {
        (0..n).map(|_| self.next()).collect()
    }
}
