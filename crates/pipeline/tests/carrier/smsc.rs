//! An SMSC that does what the test says, octet by octet, and an owner that remembers everything.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_util::task::TaskTracker;
use volley_core::{CarrierIndex, MessageToken, ReceiptState, RowIndex, SystemClock};
use volley_pipeline::{
    Answer, Carrier, CarrierEvent, ConnectStep, EventKind, LostCause, Pacer, ReceiptHandle, Secret, SmppOptions,
    SubmitBatch, Told, Unpaced,
};
use volley_smpp::pdu::{
    Address, BindResp, CommandId, CommandStatus, MAX_PDU_LEN, MessageResp, Pdu, ShortMessage, encode_header_only,
    split_frame,
};

/// Nothing on loopback takes longer, whatever else the machine does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A listener on port 0.
pub(crate) struct Smsc {
    listener: TcpListener,
    pub(crate) addr: SocketAddr,
}

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// One connection, the SMSC's side.
pub(crate) struct Link {
    reader: Reader,
    writer: Writer,
    input: Vec<u8>,
    pub(crate) n_reads: usize,
}

/// One PDU as the SMSC read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: CommandId,
    pub(crate) status: CommandStatus,
    pub(crate) sequence: u32,
    pub(crate) octets: Vec<u8>,
}

impl Seen {
    /// The row that [`batch`] wrote into the text.
    pub(crate) fn text(&self) -> String {
        let pdu = split_frame(&self.octets, MAX_PDU_LEN).unwrap().unwrap();
        let Ok(Pdu::SubmitSm(message)) = pdu.decode() else { panic!("no submit_sm") };
        String::from_utf8(message.text_octets().to_vec()).unwrap()
    }
}

impl Smsc {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self { listener, addr }
    }

    pub(crate) async fn accept(&self) -> Link {
        timeout(PATIENCE, self.accept_forever()).await.expect("a connection")
    }

    pub(crate) async fn accept_forever(&self) -> Link {
        let (reader, writer) = self.accept_tcp().await.into_split();
        Link::new(Box::new(reader), Box::new(writer))
    }

    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Accepts a connection and its bind.
    pub(crate) async fn bound(&self) -> Link {
        let mut link = self.accept().await;
        link.answer_bind(CommandStatus::ROK).await;
        link
    }
}

impl Link {
    pub(crate) fn new(reader: Reader, writer: Writer) -> Self {
        Self { reader, writer, input: Vec::with_capacity(1 << 20), n_reads: 0 }
    }

    pub(crate) async fn answer_bind(&mut self, status: CommandStatus) -> Seen {
        let bind = self.read().await.expect("a bind");
        let mut out = Vec::new();
        BindResp { system_id: b"SMSC", ..BindResp::default() }
            .encode(bind.id.response(), status, bind.sequence, &mut out)
            .unwrap();
        self.write(&out).await;
        bind
    }

    /// The next PDU; `None` at the end of the connection.
    pub(crate) async fn read(&mut self) -> Option<Seen> {
        loop {
            if let Some(pdu) = split_frame(&self.input, MAX_PDU_LEN).unwrap() {
                let header = pdu.header;
                let octets: Vec<u8> = self.input.drain(..header.command_length as usize).collect();
                return Some(Seen {
                    id: header.command_id,
                    status: header.command_status,
                    sequence: header.sequence_number,
                    octets,
                });
            }
            let read = timeout(PATIENCE, self.reader.read_buf(&mut self.input)).await.expect("something to read");
            self.n_reads += 1;
            match read {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next `n` PDUs, which must be submits.
    pub(crate) async fn submits(&mut self, n: usize) -> Vec<Seen> {
        let mut submits = Vec::new();
        while submits.len() < n {
            let pdu = self.read().await.expect("a submit");
            assert_eq!(pdu.id, CommandId::SubmitSm);
            submits.push(pdu);
        }
        submits
    }

    /// Whether nothing comes for so long.
    pub(crate) async fn is_silent_for(&mut self, time: Duration) -> bool {
        self.input.is_empty() && timeout(time, self.reader.read_buf(&mut self.input)).await.is_err()
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) {
        self.writer.write_all(octets).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    /// Like [`Link::write`], where the other end may be gone.
    pub(crate) async fn try_write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.writer.write_all(octets).await
    }

    pub(crate) async fn header(&mut self, id: CommandId, status: CommandStatus, sequence: u32) {
        let mut out = Vec::new();
        encode_header_only(id, status, sequence, &mut out);
        self.write(&out).await;
    }

    /// Answers a submit with its text as id.
    pub(crate) async fn accept_submit(&mut self, submit: &Seen) {
        let answer = answer(submit.sequence, submit.text().as_bytes());
        self.write(&answer).await;
    }

    pub(crate) async fn receipt(&mut self, sequence: u32, id: &str) {
        self.write(&receipt(sequence, id)).await;
    }

    /// [`Link::serve`] in the background.
    pub(crate) fn serving(self) -> tokio::task::JoinHandle<Vec<String>> {
        TaskTracker::new().spawn(self.serve())
    }

    /// Answers whatever comes until the connection ends; gives the texts of the submits.
    async fn serve(mut self) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(pdu) = self.read().await {
            if pdu.id == CommandId::SubmitSm {
                texts.push(pdu.text());
                self.accept_submit(&pdu).await;
            } else if !pdu.id.is_response() {
                self.header(pdu.id.response(), CommandStatus::ROK, pdu.sequence).await;
            }
        }
        texts
    }

    /// Ends the connection without a farewell: RST when something is unread.
    pub(crate) fn cut(self) {}

    /// Writes in the background while the test reads.
    pub(crate) fn flood(self, octets: Vec<u8>) -> (Reader, tokio::task::JoinHandle<Writer>) {
        let Self { reader, mut writer, .. } = self;
        let writing = async move {
            writer.write_all(&octets).await.unwrap();
            writer
        };
        (reader, TaskTracker::new().spawn(writing))
    }
}

pub(crate) fn answer(sequence: u32, id: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let resp = MessageResp { message_id: id, ..MessageResp::default() };
    resp.encode(CommandId::SubmitSmResp, CommandStatus::ROK, sequence, &mut out).unwrap();
    out
}

pub(crate) fn receipt(sequence: u32, id: &str) -> Vec<u8> {
    let text = format!("id:{id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:");
    deliver_sm(sequence, 0x04, text.as_bytes())
}

pub(crate) fn deliver_sm(sequence: u32, esm_class: u8, text: &[u8]) -> Vec<u8> {
    let message = ShortMessage {
        source: Address { ton: 1, npi: 1, addr: b"4915112345678" },
        destination: Address { ton: 5, npi: 0, addr: b"ACME" },
        esm_class,
        short_message: text,
        ..ShortMessage::default()
    };
    let mut out = Vec::new();
    message.encode(CommandId::DeliverSm, sequence, &mut out).unwrap();
    out
}

/// Messages of so many parts each; the text of each part is "ROW.PART".
pub(crate) fn batch_of_parts(rows: std::ops::Range<u32>, n_parts: u8) -> SubmitBatch {
    let mut batch = SubmitBatch::default();
    for row in rows {
        for part in 0..n_parts {
            let text = format!("{row}.{part}");
            let message = ShortMessage { short_message: text.as_bytes(), ..ShortMessage::default() };
            message.encode(CommandId::SubmitSm, 0, &mut batch.pdus).unwrap();
            batch.finish_item(MessageToken::new(RowIndex(row), part));
        }
    }
    batch
}

pub(crate) fn batch(rows: std::ops::Range<u32>) -> SubmitBatch {
    batch_of_parts(rows, 1)
}

/// What a carrier told its owner.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) bound: Vec<u16>,
    pub(crate) refused: Vec<CommandStatus>,
    pub(crate) failed: Vec<(ConnectStep, String)>,
    /// Why binds were lost.
    pub(crate) lost_binds: Vec<String>,
    /// Row, and the id or the refusal.
    pub(crate) answers: Vec<(u32, Result<String, CommandStatus>)>,
    pub(crate) receipts: Vec<(String, ReceiptState)>,
    pub(crate) handles: Vec<ReceiptHandle>,
    /// Source and text; the raw octets of what was unreadable.
    pub(crate) replies: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) told: Vec<(u32, Told)>,
    pub(crate) lost: Vec<(u32, LostCause)>,
    pub(crate) returned: Vec<u32>,
    pub(crate) n_sessions_ended: usize,
    pub(crate) stopped: bool,
    /// The same with tokens: what was answered and whether accepted.
    pub(crate) answer_tokens: Vec<(MessageToken, bool)>,
    pub(crate) lost_tokens: Vec<MessageToken>,
    pub(crate) returned_tokens: Vec<MessageToken>,
}

impl Log {
    fn take(&mut self, event: CarrierEvent) {
        match event.kind {
            EventKind::Bound { .. } => self.bound.push(event.bind),
            EventKind::BindRefused { status, .. } => self.refused.push(status),
            EventKind::ConnectFailed { step, error, .. } => self.failed.push((step, error)),
            EventKind::BindLost { error, .. } => self.lost_binds.push(error),
            EventKind::Answers(answers) => self.answers.extend(answers.iter().map(|(token, answer)| {
                let answer = match answer {
                    Answer::Accepted { id, .. } => Ok(String::from_utf8(id.to_vec()).unwrap()),
                    Answer::Refused { status } => Err(status),
                };
                self.answer_tokens.push((token, answer.is_ok()));
                (token.row().0, answer)
            })),
            EventKind::Receipts(receipts) => {
                for receipt in receipts.iter() {
                    self.receipts.push((String::from_utf8(receipt.id.to_vec()).unwrap(), receipt.state));
                    self.handles.push(receipt.handle);
                }
            }
            EventKind::Replies(replies) => {
                for reply in replies.iter() {
                    let text = if reply.raw.is_empty() { reply.text } else { reply.raw };
                    self.replies.push((reply.source.to_vec(), text.to_vec()));
                    self.handles.push(reply.item.handle);
                }
            }
            EventKind::Lost { tokens, cause } => {
                self.n_sessions_ended += 1;
                self.lost_tokens.extend(&tokens);
                self.lost.extend(tokens.iter().map(|token| (token.row().0, cause)));
            }
            EventKind::Returned { tokens } => {
                self.returned.extend(tokens.iter().map(|token| token.row().0));
                self.returned_tokens.extend(tokens);
            }
            EventKind::Told(answers) => {
                self.told.extend(answers.iter().map(|answer| (answer.token.row().0, answer.told)));
            }
            EventKind::Stopped => self.stopped = true,
        }
    }

    pub(crate) fn answered(&self) -> Vec<u32> {
        sorted(self.answers.iter().map(|(row, _)| *row))
    }

    pub(crate) fn lost(&self) -> Vec<u32> {
        sorted(self.lost.iter().map(|(row, _)| *row))
    }

    /// Every row that came back, however.
    pub(crate) fn settled(&self) -> Vec<u32> {
        sorted(self.answered().into_iter().chain(self.lost()).chain(self.returned.iter().copied()))
    }
}

pub(crate) fn sorted(rows: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable();
    rows
}

/// The carrier's owner.
pub(crate) struct Owner {
    pub(crate) carrier: Carrier,
    events: mpsc::Receiver<CarrierEvent>,
    pub(crate) log: Log,
}

pub(crate) fn options(smscs: &[&Smsc]) -> SmppOptions {
    let hosts = smscs.iter().map(|smsc| smsc.addr.to_string()).collect();
    let mut options = SmppOptions::new(hosts, "esme", Secret::from("canary"));
    options.backoff.first = Duration::from_millis(20);
    options
}

impl Owner {
    pub(crate) fn start(options: SmppOptions) -> Self {
        Self::paced(options, Arc::new(Unpaced), 64)
    }

    pub(crate) fn paced(options: SmppOptions, pacer: Arc<dyn Pacer>, n_events: usize) -> Self {
        let (sender, events) = mpsc::channel(n_events);
        let carrier = Carrier::start(CarrierIndex(0), "test", options, pacer, sender, Arc::new(SystemClock)).unwrap();
        Self { carrier, events, log: Log::default() }
    }

    /// Takes events until the log shows what is waited for.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: impl Fn(&Log) -> bool) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            while !what(&self.log) {
                match timeout(PATIENCE, self.events.recv()).await {
                    Ok(Some(event)) => self.log.take(event),
                    Ok(None) => panic!("{caller}: the events ended: {:?}", self.log),
                    Err(_) => panic!("{caller}: waited in vain: {:?}\n{:#?}", self.log, self.carrier.status()),
                }
            }
        }
    }

    /// Takes what is there, without waiting.
    pub(crate) fn take_ready(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.log.take(event);
        }
    }

    pub(crate) async fn wait_bound(&mut self, n_binds: usize) {
        self.wait_for(|log| log.bound.len() >= n_binds).await;
    }
}

/// Waits until something holds that no event tells.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let poll = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, poll).await.expect("it comes true");
}
