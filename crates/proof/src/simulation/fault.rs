//! What goes wrong in a simulation (CONTRACT section 6), and how often it did.

macro_rules! faults {
    ($($name:ident $word:literal,)+) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the words say it")]
        pub enum Fault { $($name,)+ }

        impl Fault {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// In words, for tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

faults! {
    Kill "killed: files keep what was written",
    PowerCut "power cut: what was not synced is kept, lost or garbled by sector",
    CrashInRecovery "crash while it opens or recovers",
    TornWrite "crash in the middle of a write",
    BetweenWriteAndSync "crash between write and sync",
    FsyncError "fsync fails",
    DiskFull "disk full",
    StoreLost "the store is gone at the start",
    StoreDamaged "the store is damaged at the start",
    StoreOlder "the store is as of an earlier start",
    ClockJump "the wall clock jumps",
    CtrlC "Ctrl-C: drained",
    DecidedResend "a person decides: sent again",
    DecidedFailed "a person decides: failed",
    DecidedSent "a person decides: was sent",
    Paused "paused by a person",
    Resumed "a pause lifted",
    Paced "another pace ordered",
    Cancelled "cancelled by a person",
    ConnectRefused "no connection",
    BindRefused "bind refused",
    CutInPdu "connection cut within a PDU",
    CutBetweenPdus "connection cut between PDUs",
    PeerSilent "the peer falls silent, the connection stays",
    ShortWrite "a write takes a part only",
    SubmitLost "submit lost: not taken, not answered",
    AnswerLost "answer lost: taken, never answered",
    AnswerLate "answer late",
    AnswerTwice "answer twice",
    AnswerUnknown "answer with a sequence number that nobody asked with",
    AnswersSwapped "answers out of order",
    RefusedForNow "refused for now",
    RefusedForGood "refused for good",
    Throttled "throttled",
    QueueFull "message queue full",
    ReceiptEarly "receipt before the answer",
    ReceiptTwice "receipt twice",
    ReceiptsShuffled "receipts out of order",
    ReceiptsContradict "two final receipts that differ",
    ReceiptLate "receipt late",
    ReceiptNever "no receipt",
    ReceiptForeign "receipt of another's message",
    ReceiptAgain "receipt not acknowledged, delivered again",
    IdReused "id reused for another recipient",
    IdReformatted "id written otherwise in the receipt",
    StopReply "a recipient replies STOP",
}

/// How often each fault struck.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(std::collections::BTreeMap<Fault, u64>);

impl Faults {
    /// One more.
    pub fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// How often it struck.
    #[must_use]
    pub fn get(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or_default()
    }

    /// Adds what another campaign counted.
    pub fn merge(&mut self, other: &Self) {
        for (fault, n) in &other.0 {
            *self.0.entry(*fault).or_default() += n;
        }
    }
}
