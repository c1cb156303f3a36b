//! On a disk in memory, written in the test's own time.

use std::{
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use volley_journal::{Disk, Error, Event, InlineWriter, Journal, JournalOptions, Sequence, View};

use crate::memory_disk::MemoryDisk;

const OPTIONS: JournalOptions =
    JournalOptions { segment_bytes: 300, queue_records: 8, group_records: 2, reserve_segments: 0, min_free_bytes: 0 };

/// Four segments in reserve: a record takes 70 octets, so that a segment holds three.
const RESERVED: JournalOptions = JournalOptions { reserve_segments: 4, min_free_bytes: 100, ..OPTIONS };

fn dir() -> &'static Path {
    Path::new("/journal")
}

fn open(disk: &MemoryDisk) -> Journal {
    open_with(disk, OPTIONS)
}

fn open_with(disk: &MemoryDisk, options: JournalOptions) -> Journal {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Journal::open_on(disk, dir(), options).unwrap().0
}

/// A journal of `n` records whose process died: the room it took ahead is still there.
fn killed_after(n: u8) -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut writer = open_with(&disk, RESERVED).start_inline().unwrap();
    for n in 0..n {
        append(&mut writer, n..n + 1);
        commit(&mut writer);
        writer.tend();
    }
    disk
}

fn append(writer: &mut InlineWriter, payloads: std::ops::Range<u8>) {
    for n in payloads {
        writer.append(vec![n | 1; 30]).unwrap();
    }
}

/// Commits one group and gives the numbers that became durable.
fn commit(writer: &mut InlineWriter) -> Vec<u64> {
    let mut durable = Vec::new();
    writer.commit(|event| match event {
        Event::Durable { sequence, .. } => durable.push(sequence.0),
        Event::Failed(error) => panic!("{error}"),
    });
    durable
}

#[test]
fn what_was_reported_durable_survives_a_power_cut_and_nothing_else_needs_to() {
    let disk = MemoryDisk::default();
    for (options, last) in [(OPTIONS, 9), (RESERVED, 18)] {
        let mut writer = open_with(&disk, options).start_inline().unwrap();
        append(&mut writer, 0..9);
        let mut n_durable = 0;
        while writer.n_queued() > 0 {
            n_durable = *commit(&mut writer).last().unwrap();
            let after = disk.copy();
            after.cut_power();
            assert_eq!(open(&after).last(), Sequence(n_durable));
        }
        assert_eq!(n_durable, last);
    }
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let view = View::look_on(disk, dir(), OPTIONS).unwrap();
    let mut reader = view.read_from(Sequence(8));
    assert_eq!(reader.next().unwrap().unwrap().sequence, Sequence(8));
}

#[test]
fn a_group_is_what_waits_up_to_its_bound_with_one_sync() {
    let disk = MemoryDisk::default();
    let mut writer = open(&disk).start_inline().unwrap();
    append(&mut writer, 0..3);
    let before = disk.n_syncs();
    assert_eq!((commit(&mut writer), commit(&mut writer), commit(&mut writer)), (vec![1, 2], vec![3], vec![]));
    assert_eq!(disk.n_syncs() - before, 2);
}

#[test]
fn what_carriers_say_goes_into_the_reserve_when_the_disk_is_full() {
    let disk = MemoryDisk::default();
    let mut writer = open_with(&disk, RESERVED).start_inline().unwrap();
    append(&mut writer, 0..2);
    commit(&mut writer);
    assert!(!writer.is_tight());
    disk.set_room(Some(disk.used()));
    writer.tend();
    assert!(writer.is_tight());
    // One more fits the segment being written, and three each of those in reserve.
    for _ in 0..13 {
        append(&mut writer, 0..1);
        assert_eq!(commit(&mut writer).len(), 1);
        writer.tend();
    }
    let mut failed = None;
    append(&mut writer, 0..1);
    writer.commit(|event| match event {
        Event::Durable { .. } => panic!("there is no room left"),
        Event::Failed(error) => failed = Some(error),
    });
    let is_full =
        |error: &Error| matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull);
    assert!(failed.as_ref().is_some_and(is_full), "{failed:?}");
    assert!(writer.append(vec![1]).is_err(), "nothing more is taken");
    assert_eq!(open(&disk).last(), Sequence(15));
}

#[test]
fn it_is_tight_no_longer_than_there_is_no_room() {
    let disk = MemoryDisk::default();
    disk.set_room(Some(1_000));
    let mut writer = open_with(&disk, RESERVED).start_inline().unwrap();
    assert!(writer.is_tight(), "not even the reserve fits");
    disk.set_room(Some(100_000));
    writer.tend();
    assert!(!writer.is_tight());
    append(&mut writer, 0..2);
    assert_eq!(commit(&mut writer).len(), 2);
    assert_eq!(
        disk.names().iter().filter(|name| name.starts_with("reserve-")).count(),
        3,
        "it went where there is room"
    );
    writer.close();
    assert!(disk.names().iter().all(|name| name.ends_with(".journal")), "{:?}", disk.names());
    assert_eq!(disk.used(), 40 + 2 * 70, "what was taken ahead was given back");
}

#[test]
fn room_taken_ahead_is_no_torn_tail_and_is_used_by_the_next_process() {
    let disk = killed_after(7);
    let n_reserved = |disk: &MemoryDisk| disk.names().iter().filter(|name| name.starts_with("reserve-")).count();
    let (used, names) = (disk.used(), n_reserved(&disk));
    assert_eq!(names, 4);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let (journal, recovery) = Journal::open_on(shared, dir(), RESERVED).unwrap();
    assert_eq!((journal.last(), recovery.cut), (Sequence(7), None));
    disk.set_room(Some(used));
    let mut writer = journal.start_inline().unwrap();
    assert_eq!((disk.used(), n_reserved(&disk), writer.is_tight()), (used, 4, true));
    append(&mut writer, 0..2);
    assert_eq!(commit(&mut writer), [8, 9]);
}

#[test]
fn damage_is_found_in_spite_of_the_room_behind_it() {
    let whole = killed_after(8);
    let names: Vec<_> = whole.names().into_iter().filter(|name| name.ends_with(".journal")).collect();
    assert_eq!(names.len(), 3);
    for (nth, name) in names.iter().enumerate() {
        for at in 0..300 {
            let disk = whole.copy();
            disk.damage(name, |octets| octets[at] ^= 1 << (at % 8));
            let shared: Arc<dyn Disk> = Arc::new(disk);
            let opened = Journal::open_on(shared, dir(), RESERVED);
            match opened {
                Ok((journal, recovery)) => {
                    assert!(nth == 2 && at >= 40, "{name}, octet {at} passed for whole");
                    assert!(recovery.cut.is_some() && journal.last().0 >= 6, "{name}, octet {at}");
                }
                Err(error) => assert!(
                    matches!(&error, Error::Damaged { .. } | Error::UnknownVersion { .. }),
                    "{name}, octet {at}: {error}"
                ),
            }
        }
    }
}

#[test]
fn any_part_of_the_last_group_may_be_missing_after_a_power_cut() {
    let before = killed_after(7);
    let after = before.copy();
    let mut writer = open_with(&after, RESERVED).start_inline().unwrap();
    append(&mut writer, 0..2);
    commit(&mut writer);
    let last = after.names().into_iter().rfind(|name| name.ends_with(".journal")).unwrap();
    let mut octets = Vec::new();
    after.damage(&last, |whole| octets.clone_from(whole));
    // Each piece of what was written reached the disk, or didn't.
    for lost in 0..1_u32 << 10 {
        let disk = after.copy();
        let mut last_whole = 9;
        disk.damage(&last, |content| {
            for piece in (0..10).filter(|piece| lost & (1 << piece) != 0) {
                let from = 110 + piece * 14;
                content[from..from + 14].fill(0);
                last_whole = last_whole.min(if from < 180 { 7 } else { 8 });
            }
        });
        let journal = open_with(&disk, RESERVED);
        assert!(journal.last().0 >= last_whole, "lost {lost:b}: {:?}", journal.last());
        drop(journal);
        let again = open_with(&disk, RESERVED);
        let mut writer = again.start_inline().unwrap();
        append(&mut writer, 5..6);
        assert!(commit(&mut writer)[0] >= last_whole);
    }
}

#[test]
fn a_writer_that_was_dropped_never_touches_what_the_next_one_writes() {
    for _ in 0..50 {
        let disk = MemoryDisk::default();
        let mut last = 0;
        for _ in 0..8 {
            let (events, durable) = mpsc::channel();
            // The next opening comes while the threads of the one before may still run.
            let writer = open_with(&disk, RESERVED).start(move |event| events.send(event).unwrap()).unwrap();
            writer.append(vec![7; 30]).unwrap();
            let Ok(Event::Durable { sequence, .. }) = durable.recv() else { panic!("a write failed") };
            assert_eq!(sequence.0, last + 1, "a durable record was lost");
            last = sequence.0;
        }
    }
}

#[test]
fn a_record_waits_for_one_sync_at_most_before_its_own() {
    let disk = MemoryDisk::default();
    disk.set_sync_takes(Duration::from_millis(1));
    let (events, durable) = mpsc::channel();
    let writer = open(&disk).start(move |event| events.send(event).unwrap()).unwrap();
    // As the engine does it: one record being synced, one waiting.
    let mut handed_over = std::collections::VecDeque::new();
    for n in 0..200_u8 {
        handed_over.push_back(disk.n_syncs());
        writer.append(vec![n | 1; 9]).unwrap();
        if handed_over.len() == 2 {
            let Ok(Event::Durable { .. }) = durable.recv() else { panic!("a write failed") };
            let n_syncs = disk.n_syncs() - handed_over.pop_front().unwrap();
            // The next segment's head may need one, too; the sync after it may have begun.
            assert!(n_syncs <= 4, "record {n} took {n_syncs} syncs");
        }
    }
    writer.close();
}
