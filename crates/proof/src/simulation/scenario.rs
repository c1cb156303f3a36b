//! What one seed means: the list, the carriers, how often what goes wrong, and when the machine
//! dies.

use volley_engine::Verb;

use crate::simulation::dice::Dice;

/// Everything about one simulated campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Where it came from.
    pub seed: u64,
    /// Rows of the list that can be sent; a few more are rejected.
    pub n_rows: u32,
    /// Octets of each row's own text: longer texts are cut into segments.
    pub longest_text: u32,
    /// What becomes of what is in doubt: "hold", "resend" or "fail".
    pub policy: &'static str,
    /// Segments per second over all carriers; 0 for none.
    pub campaign_rate: u32,
    /// Minutes in which sending is allowed.
    pub window: Option<WindowPlan>,
    /// The carriers.
    pub carriers: Vec<CarrierPlan>,
    /// One run of the program after the other; the last ends by itself.
    pub lives: Vec<Life>,
    /// Octets after which the journal begins another segment.
    pub segment_bytes: u64,
    /// Seconds until a missing receipt is given up.
    pub receipt_deadline_s: u32,
}

/// Minutes of sending and minutes of none, in turns over the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPlan {
    /// Minutes from the beginning of a turn until it opens, and how long it is open.
    pub opens_after: u32,
    /// See `opens_after`.
    pub open: u32,
    /// Minutes of a turn; an hour has a whole number of them.
    pub turn: u32,
    /// Whether the recipients' clocks count, or one zone's.
    pub is_recipients: bool,
}

/// One carrier account, with what goes wrong there, in so many of a thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierPlan {
    /// Sessions, and unanswered submits on each.
    pub binds: u32,
    /// See `binds`.
    pub window: u32,
    /// Segments per second; 0 for none.
    pub rate: u32,
    /// Ids are hexadecimal in answers and decimal in receipts.
    pub is_hex: bool,
    /// Milliseconds until an answer, at most.
    pub latency_ms: u64,
    /// Milliseconds until a receipt, at most.
    pub receipt_ms: u64,
    /// Shares.
    pub shares: Shares,
}

/// How often what goes wrong: in so many of a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shares {
    pub connect_refused: u32,
    pub bind_refused: u32,
    pub cut: u32,
    pub silent: u32,
    pub short_write: u32,
    pub submit_lost: u32,
    pub answer_lost: u32,
    pub answer_late: u32,
    pub answer_twice: u32,
    pub answer_unknown: u32,
    pub answers_swapped: u32,
    pub refused_for_now: u32,
    pub refused_for_good: u32,
    pub throttled: u32,
    pub queue_full: u32,
    pub receipt_early: u32,
    pub receipt_twice: u32,
    pub receipts_shuffled: u32,
    pub receipts_contradict: u32,
    pub receipt_late: u32,
    pub receipt_never: u32,
    pub receipt_foreign: u32,
    pub id_reused: u32,
    pub stop_reply: u32,
    pub undelivered: u32,
}

/// One run of the program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    /// When and how the machine dies; `None`: it does not.
    pub death: Option<(Moment, Death)>,
    /// Milliseconds after which a person stops it.
    pub stopped_at_ms: Option<u64>,
    /// The sync that fails, counted from 1.
    pub fsync_error: Option<u32>,
    /// The write from which on the disk is full, and for how many.
    pub disk_full: Option<(u32, u32)>,
    /// The wall clock jumps: when, in milliseconds, and how far, in seconds.
    pub clock_jump: Option<(u64, i64)>,
    /// Milliseconds from the end of the life before to its beginning.
    pub gap_ms: u64,
    /// What became of the store since.
    pub store: StoreFate,
    /// What a person decides on rows in doubt before it: "resend", "failed" or "sent", and how many
    /// rows of a thousand.
    pub decision: Option<(&'static str, u32)>,
    /// What a person orders while it runs: when, in milliseconds, and what.
    pub orders: Vec<(u64, Verb, bool)>,
}

/// When the machine dies. Numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After so many milliseconds.
    Ms(u64),
    /// Instead of a write, or change of a name.
    BeforeWrite(u32),
    /// In the middle of one.
    WithinWrite(u32),
    /// Between a write and its sync.
    BeforeSync(u32),
    /// After a sync, before anything follows from it.
    AfterSync(u32),
    /// Right after a submit was written.
    AfterSubmit(u32),
    /// Right after a receipt was acknowledged.
    AfterAcknowledgement(u32),
}

/// How the machine dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process alone: what was written stays.
    Kill,
    /// The power.
    PowerCut,
}

/// What became of the store between two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreFate {
    /// Nothing.
    #[default]
    Kept,
    /// It is gone.
    Lost,
    /// Some of its octets were changed.
    Damaged,
    /// It is as of the last start: later writes were lost.
    Older,
}

impl Scenario {
    /// What `seed` means.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0x5EED);
        let n_carriers = dice.between(1, 3);
        let n_lives = dice.between(1, 5);
        let n_rows = if dice.chance(150) { dice.between(30, 60) } else { dice.between(5, 25) };
        let mut scenario = Self {
            seed,
            n_rows: n_rows as u32,
            longest_text: dice.pick(&[20, 20, 150, 320]).unwrap_or(20),
            policy: dice.pick(&["hold", "hold", "resend", "fail"]).unwrap_or("hold"),
            window: None,
            campaign_rate: dice.pick(&[0, 0, 0, 20, 40]).unwrap_or(0),
            carriers: (0..n_carriers).map(|_| CarrierPlan::draw(&mut dice)).collect(),
            lives: (0..n_lives).map(|n| Life::draw(&mut dice, n == 0, n + 1 == n_lives)).collect(),
            segment_bytes: dice.pick(&[400, 1_000, 4_000, 64 << 10]).unwrap_or(4_000),
            receipt_deadline_s: dice.between(20, 60) as u32,
        };
        // Dice of their own: what a seed meant before there were orders, it means still.
        let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x0DDE);
        if dice.chance(300) {
            scenario.lives.iter_mut().for_each(|life| life.orders = orders(&mut dice));
        }
        // Likewise.
        scenario.draw_window(&mut Dice::new(seed ^ 0x71DE));
        scenario
    }

    /// Whether a person orders something.
    #[must_use]
    pub fn has_orders(&self) -> bool {
        self.lives.iter().any(|life| !life.orders.is_empty())
    }

    fn draw_window(&mut self, dice: &mut Dice) {
        if !dice.chance(200) {
            return;
        }
        let (open, turn) = dice.pick(&[(1, 2), (1, 3), (2, 3)]).unwrap_or((1, 2));
        let opens_after = dice.between(0, u64::from(turn - open)) as u32;
        self.window = Some(WindowPlan { opens_after, open, turn, is_recipients: dice.chance(500) });
        if dice.chance(700) {
            // Slow enough, and late enough in a minute, to meet the end of a window.
            self.campaign_rate = 4;
            self.n_rows = dice.between(30, 60) as u32;
            self.lives.iter_mut().take(1).for_each(|life| life.gap_ms = dice.between(45_000, 59_500));
        }
        // What is on its way when the clock jumps over an end is on its way.
        self.lives.iter_mut().for_each(|life| life.clock_jump = None);
    }
}

impl WindowPlan {
    /// Whether sending is allowed at a time of the wall clock, in microseconds.
    #[must_use]
    pub fn is_open(self, wall_us: u64) -> bool {
        let minute = (wall_us / 60_000_000 % u64::from(self.turn)) as u32;
        (self.opens_after..self.opens_after + self.open).contains(&minute)
    }

    /// As in a campaign file.
    #[must_use]
    pub fn to_toml(self) -> String {
        let minute = |at: u32| format!("{:02}:{:02}", at / 60, at % 60);
        let turns = (0..24 * 60).step_by(self.turn as usize).map(|turn| turn + self.opens_after);
        let spans: Vec<_> = turns.map(|from| format!("\"{}-{}\"", minute(from), minute(from + self.open))).collect();
        let zone = if self.is_recipients { "recipient" } else { "UTC" };
        format!("window = [{}]\ntime-zone = \"{zone}\"\n", spans.join(", "))
    }
}

/// Orders of one life: verb, and whether of the first carrier alone.
fn orders(dice: &mut Dice) -> Vec<(u64, Verb, bool)> {
    let n = dice.between(0, 4);
    let mut all: Vec<_> = (0..n)
        .map(|_| {
            let verb = match dice.below(10) {
                0..5 => Verb::Pause,
                5 | 6 => Verb::Resume,
                // Slower than any rate of the files, and back: their limits hold all the time.
                7 => Verb::Pace("5/s".parse().ok()),
                8 => Verb::Pace(None),
                _ => Verb::Cancel,
            };
            (dice.between(1, 3_000), verb, dice.chance(300))
        })
        .collect();
    all.sort_by_key(|(at_ms, ..)| *at_ms);
    all
}

impl CarrierPlan {
    fn draw(dice: &mut Dice) -> Self {
        let shares = if dice.chance(100) { Shares::default() } else { Shares::draw(dice) };
        Self {
            binds: dice.between(1, 2) as u32,
            window: dice.pick(&[1, 2, 5, 10]).unwrap_or(1),
            rate: dice.pick(&[0, 0, 10, 30, 100]).unwrap_or(0),
            is_hex: dice.chance(300),
            latency_ms: dice.pick(&[1, 5, 40, 200]).unwrap_or(1),
            receipt_ms: dice.pick(&[20, 300, 3_000]).unwrap_or(20),
            shares,
        }
    }
}

impl Shares {
    /// Each way to let one fault never happen.
    pub(crate) fn calmed() -> Vec<fn(&mut Self)> {
        vec![
            |shares| shares.connect_refused = 0,
            |shares| shares.bind_refused = 0,
            |shares| shares.cut = 0,
            |shares| shares.silent = 0,
            |shares| shares.short_write = 0,
            |shares| shares.submit_lost = 0,
            |shares| shares.answer_lost = 0,
            |shares| shares.answer_late = 0,
            |shares| shares.answer_twice = 0,
            |shares| shares.answer_unknown = 0,
            |shares| shares.answers_swapped = 0,
            |shares| shares.refused_for_now = 0,
            |shares| shares.refused_for_good = 0,
            |shares| shares.throttled = 0,
            |shares| shares.queue_full = 0,
            |shares| shares.receipt_early = 0,
            |shares| shares.receipt_twice = 0,
            |shares| shares.receipts_shuffled = 0,
            |shares| shares.receipts_contradict = 0,
            |shares| shares.receipt_late = 0,
            |shares| shares.receipt_never = 0,
            |shares| shares.receipt_foreign = 0,
            |shares| shares.id_reused = 0,
            |shares| shares.stop_reply = 0,
            |shares| shares.undelivered = 0,
        ]
    }

    fn draw(dice: &mut Dice) -> Self {
        // Each fault is absent, rare or frequent on its own.
        let mut share = |rare: u32, often: u32| match dice.below(6) {
            0..3 => 0,
            3 | 4 => rare,
            _ => often,
        };
        Self {
            connect_refused: share(50, 300),
            bind_refused: share(50, 300),
            cut: share(10, 60),
            silent: share(3, 15),
            short_write: share(50, 300),
            submit_lost: share(10, 60),
            answer_lost: share(15, 80),
            answer_late: share(10, 60),
            answer_twice: share(20, 100),
            answer_unknown: share(20, 100),
            answers_swapped: share(50, 300),
            refused_for_now: share(20, 150),
            refused_for_good: share(20, 100),
            throttled: share(20, 150),
            queue_full: share(20, 100),
            receipt_early: share(50, 300),
            receipt_twice: share(50, 200),
            receipts_shuffled: share(50, 300),
            receipts_contradict: share(30, 150),
            receipt_late: share(50, 200),
            receipt_never: share(20, 100),
            receipt_foreign: share(20, 100),
            id_reused: share(20, 100),
            stop_reply: share(20, 80),
            undelivered: share(50, 300),
        }
    }
}

impl Life {
    fn draw(dice: &mut Dice, is_first: bool, is_last: bool) -> Self {
        let gap_ms = dice.pick(&[250, 1_000, 5_000, 60_000]).unwrap_or(250);
        let store = match dice.below(8) {
            _ if is_first => StoreFate::Kept,
            0 => StoreFate::Lost,
            1 => StoreFate::Damaged,
            2 | 3 => StoreFate::Older,
            _ => StoreFate::Kept,
        };
        let mut words = ["resend", "failed", "sent"].into_iter().cycle().skip(dice.below(3) as usize);
        let word = words.next().unwrap_or("resend");
        let decision = (!is_first && dice.chance(400)).then(|| (word, dice.pick(&[300, 1_000]).unwrap_or(1_000)));
        let clock_jump = dice.chance(150).then(|| {
            let far = dice.pick(&[86_400, 3_600, -600, -60, 30, -30]).unwrap_or(30);
            (dice.between(1, 3_000), far)
        });
        let mut life = Self { gap_ms, store, decision, clock_jump, ..Self::default() };
        if is_last {
            return life;
        }
        match dice.below(10) {
            0 => life.stopped_at_ms = Some(dice.between(1, 4_000)),
            1 => life.fsync_error = Some(dice.between(1, 30) as u32),
            2 => life.disk_full = Some((dice.between(3, 60) as u32, dice.between(1, 20) as u32)),
            _ => {
                let death = if dice.chance(500) { Death::Kill } else { Death::PowerCut };
                life.death = Some((Moment::draw(dice), death));
            }
        }
        life
    }
}

impl Moment {
    fn draw(dice: &mut Dice) -> Self {
        let n = if dice.chance(200) { dice.between(1, 5) } else { dice.between(1, 60) } as u32;
        match dice.below(8) {
            0 | 1 => Self::Ms(dice.between(1, 3_000)),
            2 => Self::BeforeWrite(n),
            3 => Self::WithinWrite(n),
            4 => Self::BeforeSync(n),
            5 => Self::AfterSync(n),
            6 => Self::AfterSubmit(n),
            _ => Self::AfterAcknowledgement(n.div_ceil(2)),
        }
    }
}
