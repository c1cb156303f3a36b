//! Where replies are taken: repeats recognised, parts joined, keywords read, all of it durable
//! before anything is acknowledged.

use std::{collections::BTreeMap, path::Path};

use volley_core::{Msisdn, UnixMicros};
use volley_ingest::number;
use volley_pipeline::{ReceiptHandle, Reply, ReplyBatch, ReplyKind};
use volley_reconciler::record::SuppressChange;
use volley_smpp::{
    reply::{Decision, Keywords, MoMessage, Reading, Reassembler, Repeats},
    text::DefaultAlphabet,
};

use super::{
    asks::{Ask, Asks},
    file::{self, ReplyFile},
    line::{Line, MessageLine, PartLine},
};
use crate::{Error, inspect::hex};

/// TON of a number with its country code.
const INTERNATIONAL: u8 = 1;

/// What a reply changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The reply's number in the file; 0 for a repeat.
    pub(crate) reply: u64,
    pub(crate) number: Msisdn,
    pub(crate) change: SuppressChange,
}

/// What became of a batch. All of it is durable in the file.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// To be acknowledged when the effects are durable.
    pub(crate) fresh: Vec<ReceiptHandle>,
    /// Came before: can be acknowledged at once. Of those that opt out, whose: somebody may have
    /// come back and gone again within ten minutes.
    pub(crate) repeats: Vec<(ReceiptHandle, Option<Msisdn>)>,
    pub(crate) effects: Vec<Effect>,
    /// Who may be told something, because of what.
    pub(crate) asks: Vec<(Msisdn, Ask)>,
}

/// All that is known of replies between two of them.
pub(crate) struct ReplyDesk {
    file: ReplyFile,
    keywords: Keywords,
    /// Country of numbers written without a country code.
    country: Option<String>,
    /// Carriers by the number that parts carry.
    accounts: Vec<(String, DefaultAlphabet)>,
    repeats: Repeats,
    parts: Reassembler,
    asks: Asks,
    /// The number of the next line.
    next: u64,
}

/// How replies are read.
pub(crate) struct DeskSetup {
    pub(crate) keywords: Keywords,
    pub(crate) country: Option<String>,
    /// The campaign's carriers with what data_coding 0 means there.
    pub(crate) accounts: Vec<(String, DefaultAlphabet)>,
    /// The last reply whose effect is in the journal.
    pub(crate) last_reply: u64,
}

impl ReplyDesk {
    /// Reads what came before, from the file in `root`. Gives the effects that a crash kept out of
    /// the journal, in their order.
    pub(crate) fn open(root: &Path, setup: DeskSetup, at: UnixMicros) -> Result<(Self, Vec<Effect>), Error> {
        let DeskSetup { keywords, country, accounts, last_reply } = setup;
        let mut desk = Self {
            file: ReplyFile::new(root),
            keywords,
            country,
            accounts,
            repeats: Repeats::default(),
            parts: Reassembler::default(),
            asks: Asks::default(),
            next: last_reply + 1,
        };
        let mut waiting: BTreeMap<u64, PartLine> = BTreeMap::new();
        let mut effects = Vec::new();
        file::read(root, |line| match line {
            Line::Part(part) => {
                desk.next = desk.next.max(part.n + 1);
                let account = desk.account(&part.carrier);
                part.with_part(account, |it| desk.repeats.is_repeat(it, part.at_us));
                waiting.insert(part.n, part);
            }
            Line::Message(message) => {
                desk.next = desk.next.max(message.n + 1);
                for part in &message.parts {
                    waiting.remove(part);
                }
                let _ = desk.asks.take(&message);
                effects.extend(effect_of(&message).filter(|_| message.n > last_reply));
            }
            Line::Unreadable { .. } => {}
        })?;
        let mut messages = Vec::new();
        for part in waiting.into_values() {
            let account = desk.account(&part.carrier);
            part.with_part(account, |it| desk.parts.take(it, part.at_us, &mut messages));
        }
        desk.parts.expire(at.0, &mut messages);
        desk.finish(&messages, &mut effects, &mut Vec::new());
        desk.file.append()?;
        Ok((desk, effects))
    }

    /// Takes what a carrier delivered; on return it is durable.
    pub(crate) fn take(&mut self, carrier: &str, replies: &ReplyBatch, at: UnixMicros) -> Result<Taken, Error> {
        let mut taken = Taken::default();
        let mut messages = Vec::new();
        let account = self.account(carrier);
        for reply in replies.iter() {
            match reply.item.kind {
                ReplyKind::Message => self.take_part(account, &reply, at, &mut taken, &mut messages),
                ReplyKind::Unreadable => {
                    let (carrier, octets) = (carrier.to_owned(), hex(reply.raw));
                    self.file.push(&Line::Unreadable { at_us: at.0, carrier, octets });
                    taken.fresh.push(reply.item.handle);
                }
            }
        }
        self.finish(&messages, &mut taken.effects, &mut taken.asks);
        self.file.append()?;
        Ok(taken)
    }

    fn take_part(
        &mut self,
        account: u32,
        reply: &Reply<'_>,
        at: UnixMicros,
        taken: &mut Taken,
        messages: &mut Vec<MoMessage>,
    ) {
        let (handle, n) = (reply.item.handle, self.next);
        let line = PartLine::new(n, at, &self.carrier(account).0, reply);
        line.with_part(account, |part| {
            if self.repeats.is_repeat(part, at.0) {
                let mut alone = Vec::new();
                Reassembler::default().take(part, at.0, &mut alone);
                let message = alone.first().map(|message| (self.read(message), self.number(message)));
                let opts_out = |(_, reading): &(_, Reading)| is_opt_out(reading.decision);
                let number = message.filter(|(read, _)| opts_out(read)).and_then(|(_, number)| number);
                taken.repeats.push((handle, number));
                return;
            }
            self.next += 1;
            taken.fresh.push(handle);
            self.parts.take(part, at.0, messages);
        });
        if self.next > n {
            self.file.push(&Line::Part(line));
        }
    }

    /// Gives out what has waited too long for its other parts.
    pub(crate) fn expire(&mut self, at: UnixMicros) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        if self.parts.next_due_us().is_some_and(|due| due <= at.0) {
            let mut messages = Vec::new();
            self.parts.expire(at.0, &mut messages);
            // Too late for an answer: nobody waits for one ten minutes.
            self.finish(&messages, &mut effects, &mut Vec::new());
            self.file.append()?;
        }
        Ok(effects)
    }

    /// Reads messages and puts down what they say.
    fn finish(&mut self, messages: &[MoMessage], effects: &mut Vec<Effect>, asks: &mut Vec<(Msisdn, Ask)>) {
        for message in messages {
            let (text, reading) = self.read(message);
            let number = self.number(message);
            let line = MessageLine::new(self.next, &self.carrier(message.account).0, message, number, text, reading);
            self.next += 1;
            effects.extend(effect_of(&line));
            asks.extend(self.asks.take(&line));
            self.file.push(&Line::Message(line));
        }
    }

    fn read(&self, message: &MoMessage) -> (Option<String>, Reading) {
        let text = message.text(self.carrier(message.account).1);
        let country = self.number(message).and_then(country_of);
        let reading = text.as_deref().map(|text| self.keywords.read(text, country.as_deref()));
        (text, reading.unwrap_or_default())
    }

    /// The sender's number: with TON 1 its digits as they are; else as people write numbers.
    fn number(&self, message: &MoMessage) -> Option<Msisdn> {
        let from = std::str::from_utf8(&message.from).ok()?;
        let digits = from.trim_start_matches('+');
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        let as_it_is = Msisdn::from_digits(digits.as_bytes());
        let is_international = message.from_ton == INTERNATIONAL || digits.len() < from.len();
        if is_international && as_it_is.is_some() {
            return as_it_is;
        }
        let with_plus = number::normalise(&format!("+{digits}"), None).ok().filter(number::Number::is_valid);
        // Short codes are no numbers of their country.
        let national = || number::normalise(from, self.country.as_deref()).ok().filter(number::Number::is_valid);
        with_plus.or_else(national).map(|number| number.msisdn).or(as_it_is)
    }

    fn carrier(&self, account: u32) -> (String, DefaultAlphabet) {
        self.accounts.get(account as usize).cloned().unwrap_or_default()
    }

    /// The number of a carrier; one that the campaign doesn't use has the GSM alphabet.
    fn account(&mut self, carrier: &str) -> u32 {
        let known = self.accounts.iter().position(|(name, _)| name == carrier);
        let at = known.unwrap_or_else(|| {
            self.accounts.push((carrier.to_owned(), DefaultAlphabet::default()));
            self.accounts.len() - 1
        });
        at as u32
    }
}

fn country_of(number: Msisdn) -> Option<String> {
    number::describe(&format!("+{number}"), None).ok()?.region.filter(|region| region.len() == 2)
}

const fn is_opt_out(decision: Decision) -> bool {
    match decision {
        Decision::OptOut | Decision::OptOutScoped => true,
        Decision::None | Decision::OptIn | Decision::OptInIfOptedOut | Decision::Help => false,
    }
}

/// A scoped opt-out counts for everything, as long as nothing here has scopes; its token is kept.
fn effect_of(message: &MessageLine) -> Option<Effect> {
    let change = match message.decision() {
        Decision::OptOut | Decision::OptOutScoped => SuppressChange::Add,
        Decision::OptIn | Decision::OptInIfOptedOut => SuppressChange::Lift,
        Decision::None | Decision::Help => return None,
    };
    Some(Effect { reply: message.n, number: message.number()?, change })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NUMBER: &str = "4915112345678";

    fn part(n: u64, at_us: u64, octets: &str, esm_class: u8) -> Line {
        Line::Part(PartLine {
            n,
            at_us,
            carrier: "north".to_owned(),
            from: NUMBER.to_owned(),
            from_ton: INTERNATIONAL,
            to: "60777".to_owned(),
            esm_class,
            data_coding: 0,
            octets: hex(octets.as_bytes()),
            tlvs: String::new(),
        })
    }

    fn open(root: &Path, last_reply: u64, at_us: u64) -> (ReplyDesk, Vec<Effect>) {
        let keywords = crate::options::built_in_keywords();
        let setup = DeskSetup { keywords, country: None, accounts: Vec::new(), last_reply };
        ReplyDesk::open(root, setup, UnixMicros(at_us)).unwrap()
    }

    fn write(root: &Path, lines: &[Line]) {
        let mut file = ReplyFile::new(root);
        lines.iter().for_each(|line| file.push(line));
        file.append().unwrap();
    }

    fn messages(root: &Path) -> Vec<MessageLine> {
        let mut messages = Vec::new();
        let keep = |line| match line {
            Line::Message(message) => messages.push(message),
            Line::Part(_) | Line::Unreadable { .. } => {}
        };
        file::read(root, keep).unwrap();
        messages
    }

    #[test]
    fn effects_that_a_crash_kept_out_of_the_journal_are_given_in_their_order() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &[part(1, 5, "STOP", 0), part(2, 6, "START", 0), part(3, 7, "thanks", 0)]);
        // Parts without a message, as if the process had died between them: read now.
        let (desk, effects) = open(root, 0, 10);
        let changes: Vec<_> = effects.iter().map(|effect| (effect.reply, effect.change)).collect();
        assert_eq!(changes, [(4, SuppressChange::Add), (5, SuppressChange::Lift)]);
        assert_eq!((desk.next, messages(root).len()), (7, 3));
        // What the journal holds is not given again.
        let again: Vec<_> = open(root, 4, 10).1.iter().map(|effect| effect.reply).collect();
        assert_eq!((again, messages(root).len()), (vec![5], 3));
        // A file that was emptied doesn't make numbers come again.
        fs::write(file::path_in(root), "").unwrap();
        assert_eq!(open(root, 5, 10).0.next, 6);
    }

    #[test]
    fn a_stop_whose_other_part_never_comes_counts_after_ten_minutes_over_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &[part(1, 5, "\u{5}\0\u{3}\u{7}\u{2}\u{1}STOP sending", 0x40)]);
        let (mut desk, effects) = open(root, 0, 10);
        assert_eq!((effects, messages(root).len()), (Vec::new(), 0));
        assert_eq!(desk.expire(UnixMicros(600_000_004)).unwrap(), []);
        drop(desk);
        let (mut desk, _) = open(root, 0, 11);
        let effects = desk.expire(UnixMicros(600_000_005)).unwrap();
        assert_eq!(effects.iter().map(|effect| effect.number.to_string()).collect::<Vec<_>>(), [NUMBER]);
        let message = messages(root).pop().unwrap();
        assert_eq!((message.text.as_deref(), message.incomplete, message.parts), (Some("STOP sending"), true, vec![1]));
    }

    #[test]
    fn senders_are_read_by_their_type_of_number_or_as_people_write_them() {
        let root = tempfile::tempdir().unwrap();
        let (mut desk, _) = open(root.path(), 0, 0);
        desk.country = Some("DE".to_owned());
        for (from, ton, expected) in [
            ("4915112345678", 1, Some(NUMBER)),
            ("+4915112345678", 0, Some(NUMBER)),
            ("004915112345678", 0, Some(NUMBER)),
            ("4915112345678", 0, Some(NUMBER)),
            ("015112345678", 2, Some(NUMBER)),
            ("60777", 3, None),
            ("ACME", 5, None),
        ] {
            let message = MoMessage {
                account: 0,
                from: from.as_bytes().to_vec(),
                from_ton: ton,
                to: Vec::new(),
                data_coding: 0,
                shifts: volley_smpp::text::Shifts::default(),
                octets: Vec::new(),
                n_parts: 1,
                tags: vec![1],
                at_us: 0,
            };
            let number = desk.number(&message).map(|number| number.to_string());
            assert_eq!(number.as_deref(), expected, "{from}");
        }
    }
}
