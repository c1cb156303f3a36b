//! How many submits one bind carries to an SMSC that does nothing but answer.
//!
//! `cargo run --release -p volley-pipeline --example flood -- [SECONDS] [receipts] [WINDOW…]`
//!
//! The SMSC is a thread with blocking reads and one write per read; the carrier and its owner
//! share one thread. Prints one line per window.

use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{runtime, sync::mpsc};
use volley_core::{CarrierIndex, Clock, MessageToken, RowIndex, SystemClock};
use volley_pipeline::{Carrier, EventKind, Secret, SmppOptions, SubmitBatch, Unpaced};
use volley_smpp::pdu::{
    Address, BindResp, CommandId, CommandStatus, ESM_CLASS_UDHI, MAX_PDU_LEN, MessageResp, ShortMessage,
    encode_header_only, split_frame,
};

/// Submits handed over at once.
const BATCH: u32 = 1_024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut seconds = 3;
    let mut receipts = false;
    let mut windows = Vec::new();
    for (n, arg) in env::args().skip(1).enumerate() {
        match arg.as_str() {
            "receipts" => receipts = true,
            number if n == 0 => seconds = number.parse()?,
            number => windows.push(number.parse()?),
        }
    }
    if windows.is_empty() {
        windows = vec![10, 50, 1_000];
    }
    for window in windows {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let addr = listener.local_addr()?;
        let smsc = thread::spawn(move || answer_all(&listener, receipts));
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let figures = runtime.block_on(flood(addr, window, Duration::from_secs(seconds)))?;
        drop(runtime);
        smsc.join().map_err(|_| "the SMSC's thread panicked")??;
        let (n_answers, n_receipts, elapsed) = figures;
        let per_s = |n: u64| n as f64 / elapsed.as_secs_f64();
        let stdout = &mut io::stdout();
        writeln!(
            stdout,
            "window {window:5}: {:9.0} answers/s, {:9.0} receipts/s",
            per_s(n_answers),
            per_s(n_receipts)
        )?;
    }
    Ok(())
}

async fn flood(addr: SocketAddr, window: u16, time: Duration) -> Result<(u64, u64, Duration), Box<dyn Error>> {
    let mut options = SmppOptions::new(vec![addr.to_string()], "flood", Secret::from("flood"));
    options.window = window;
    let (events, mut receiver) = mpsc::channel(64);
    let clock = Arc::new(SystemClock);
    let carrier = Carrier::start(CarrierIndex(0), "flood", options, Arc::new(Unpaced), events, clock)?;
    let batch = batch()?;
    let (mut n_answers, mut n_receipts) = (0, 0);
    let start = SystemClock.now();
    let mut handles = Vec::new();
    while let Some(event) = receiver.recv().await {
        match event.kind {
            EventKind::Answers(answers) => n_answers += answers.len() as u64,
            EventKind::Receipts(receipts) => {
                n_receipts += receipts.len() as u64;
                handles.clear();
                handles.extend(receipts.iter().map(|receipt| receipt.handle));
                carrier.acknowledge(&handles);
            }
            EventKind::Lost { tokens, .. } if !tokens.is_empty() => return Err("submits were lost".into()),
            EventKind::Stopped => break,
            EventKind::Bound { .. }
            | EventKind::BindRefused { .. }
            | EventKind::ConnectFailed { .. }
            | EventKind::BindLost { .. }
            | EventKind::Told(_)
            | EventKind::Replies(_)
            | EventKind::Lost { .. }
            | EventKind::Returned { .. } => {}
        }
        if SystemClock.now() - start >= time {
            carrier.drain();
        } else if carrier.n_queued() < 2 * BATCH {
            carrier.submit(batch.clone());
        }
    }
    Ok((n_answers, n_receipts, SystemClock.now() - start))
}

fn batch() -> Result<SubmitBatch, Box<dyn Error>> {
    let mut batch = SubmitBatch::default();
    for row in 0..BATCH {
        let to = format!("4915{row:09}");
        let message = ShortMessage {
            source: Address { ton: 5, npi: 0, addr: b"MYBRAND" },
            destination: Address { ton: 1, npi: 1, addr: to.as_bytes() },
            registered_delivery: 1,
            short_message: &[b'x'; 150],
            ..ShortMessage::default()
        };
        message.encode(CommandId::SubmitSm, 0, &mut batch.pdus)?;
        batch.finish_item(MessageToken::new(RowIndex(row), 0));
    }
    Ok(batch)
}

/// Answers everything on one connection, until it is closed.
fn answer_all(listener: &TcpListener, receipts: bool) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let (mut input, mut n_input) = (vec![0_u8; 1 << 20], 0);
    let (mut out, mut n_ids) = (Vec::new(), 0);
    loop {
        let n_read = stream.read(input.get_mut(n_input..).unwrap_or_default())?;
        if n_read == 0 {
            return Ok(());
        }
        n_input += n_read;
        let mut at = 0;
        while let Ok(Some(pdu)) = split_frame(input.get(at..n_input).unwrap_or_default(), MAX_PDU_LEN) {
            at += pdu.n_octets();
            answer(pdu.header.command_id, pdu.header.sequence_number, receipts, &mut n_ids, &mut out)?;
        }
        input.copy_within(at..n_input, 0);
        n_input -= at;
        write_out(&mut stream, &mut out)?;
    }
}

fn write_out(stream: &mut TcpStream, out: &mut Vec<u8>) -> io::Result<()> {
    stream.write_all(out)?;
    out.clear();
    Ok(())
}

fn answer(id: CommandId, sequence: u32, receipts: bool, n_ids: &mut u64, out: &mut Vec<u8>) -> io::Result<()> {
    let ok = CommandStatus::ROK;
    if id == CommandId::SubmitSm {
        *n_ids += 1;
        let message_id = n_ids.to_string();
        let resp = MessageResp { message_id: message_id.as_bytes(), ..MessageResp::default() };
        resp.encode(id.response(), ok, sequence, out).map_err(io::Error::other)?;
        if receipts {
            let text = format!(
                "id:{message_id} sub:001 dlvrd:001 submit date:2611241200 done date:2611241200 stat:DELIVRD err:000 text:"
            );
            let receipt = ShortMessage {
                source: Address { ton: 1, npi: 1, addr: b"4915112345678" },
                destination: Address { ton: 5, npi: 0, addr: b"MYBRAND" },
                esm_class: 0x04 & !ESM_CLASS_UDHI,
                short_message: text.as_bytes(),
                ..ShortMessage::default()
            };
            receipt.encode(CommandId::DeliverSm, (*n_ids & 0x7FFF_FFFF) as u32, out).map_err(io::Error::other)?;
        }
    } else if id == CommandId::BindTransceiver {
        BindResp::default().encode(id.response(), ok, sequence, out).map_err(io::Error::other)?;
    } else if !id.is_response() {
        encode_header_only(id.response(), ok, sequence, out);
    }
    Ok(())
}
