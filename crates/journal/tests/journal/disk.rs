//! On a disk in memory, written in the test's own time.

use std::{path::Path, sync::Arc};

use volley_journal::{Disk, Event, InlineWriter, Journal, JournalOptions, Sequence, View};

use crate::memory_disk::MemoryDisk;

const OPTIONS: JournalOptions = JournalOptions { segment_bytes: 300, queue_records: 8, group_records: 2 };

fn dir() -> &'static Path {
    Path::new("/journal")
}

fn open(disk: &MemoryDisk) -> Journal {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Journal::open_on(disk, dir(), OPTIONS).unwrap().0
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
    let mut writer = open(&disk).start_inline().unwrap();
    append(&mut writer, 0..9);
    let mut n_durable = 0;
    while writer.n_queued() > 0 {
        n_durable = *commit(&mut writer).last().unwrap();
        let after = disk.copy();
        after.cut_power();
        assert_eq!(open(&after).last(), Sequence(n_durable));
    }
    assert_eq!(n_durable, 9);
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
