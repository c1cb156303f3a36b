//! A simulator and an owner of one carrier account who keeps it fed.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};
use volley_core::{CarrierIndex, MessageToken, RowIndex, SystemClock};
use volley_pipeline::{Carrier, CarrierEvent, EventKind, Secret, SmppOptions, SubmitBatch, Unpaced};
use volley_simulator::{Account, Setup, Simulator, SimulatorOptions};
use volley_smpp::pdu::{Address, CommandId, ShortMessage};

/// Nothing here takes longer, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Owner {
    pub(crate) carrier: Carrier,
    /// Runs as long as this lives.
    _simulator: Simulator,
    events: mpsc::Receiver<CarrierEvent>,
    n_submitted: u32,
    pub(crate) log: Log,
}

/// What the carrier told its owner.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) n_bound: usize,
    pub(crate) refused: Vec<String>,
    pub(crate) lost_binds: Vec<String>,
    pub(crate) n_answers: usize,
    pub(crate) n_receipts: usize,
    pub(crate) n_lost: usize,
    /// When answers came last.
    pub(crate) answered_at: Option<Instant>,
}

impl Owner {
    /// `simulator`: what stands in simulator.toml. `change`: to the defaults of the account.
    pub(crate) fn start(simulator: &str, change: impl FnOnce(&mut SmppOptions)) -> Self {
        eprintln!("simulator.toml:\n{simulator}");
        let options = SimulatorOptions::from_toml(simulator, Path::new("simulator.toml")).unwrap();
        let account = Account { name: "smsc".to_owned(), listen: ([127, 0, 0, 1], 0).into(), options };
        let simulator = Simulator::start(vec![account], Setup::default()).unwrap();
        let host = simulator.addr(0).unwrap().to_string();
        let mut smpp = SmppOptions::new(vec![host], "acme", Secret::from("secret"));
        change(&mut smpp);
        let (events_out, events) = mpsc::channel(64);
        let carrier =
            Carrier::start(CarrierIndex(0), "north", smpp, Arc::new(Unpaced), events_out, Arc::new(SystemClock))
                .unwrap();
        Self { carrier, _simulator: simulator, events, n_submitted: 0, log: Log::default() }
    }

    /// Queues `n` more submits, to one recipient each.
    pub(crate) fn submit(&mut self, n: u32) {
        let mut batch = SubmitBatch::default();
        for row in self.n_submitted..self.n_submitted + n {
            let to = format!("4915{row:09}");
            let message = ShortMessage {
                source: Address { ton: 5, npi: 0, addr: b"ACME" },
                destination: Address { ton: 1, npi: 1, addr: to.as_bytes() },
                registered_delivery: 1,
                short_message: &[b'x'; 100],
                ..ShortMessage::default()
            };
            message.encode(CommandId::SubmitSm, 0, &mut batch.pdus).unwrap();
            batch.finish_item(MessageToken::new(RowIndex(row), 0));
        }
        self.n_submitted += n;
        self.carrier.submit(batch);
    }

    /// Takes events, and acknowledges receipts at once, until it is so.
    pub(crate) async fn wait_for(&mut self, mut is_so: impl FnMut(&Log) -> bool) {
        while !is_so(&self.log) {
            match timeout(PATIENCE, self.events.recv()).await {
                Ok(Some(event)) => self.take(event),
                Ok(None) => panic!("the carrier ended: {:?}", self.log),
                Err(_) => panic!("waited in vain: {:?}", self.log),
            }
        }
    }

    fn take(&mut self, event: CarrierEvent) {
        let log = &mut self.log;
        match event.kind {
            EventKind::Bound { .. } => log.n_bound += 1,
            EventKind::BindRefused { status, .. } => log.refused.push(status.to_string()),
            EventKind::BindLost { error, .. } => log.lost_binds.push(error),
            EventKind::Answers(answers) => {
                log.n_answers += answers.len();
                log.answered_at = Some(Instant::now());
            }
            EventKind::Receipts(receipts) => {
                log.n_receipts += receipts.len();
                let handles: Vec<_> = receipts.iter().map(|receipt| receipt.handle).collect();
                self.carrier.acknowledge(&handles);
            }
            EventKind::Lost { tokens, .. } => log.n_lost += tokens.len(),
            EventKind::ConnectFailed { error, .. } => panic!("can't connect: {error}"),
            EventKind::Told(_) => {}
            EventKind::Replies(_) | EventKind::Returned { .. } | EventKind::Stopped => {}
        }
    }
}
