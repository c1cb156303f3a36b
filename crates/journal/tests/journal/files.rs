//! On real files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};

use volley_journal::{Error, Event, Journal, JournalOptions, Reader, Recovery, Sequence, View};

const SMALL: JournalOptions =
    JournalOptions { segment_bytes: 300, queue_records: 8, group_records: 2, reserve_segments: 0, min_free_bytes: 0 };

fn open(dir: &Path) -> (Journal, Recovery) {
    Journal::open(dir, SMALL).unwrap()
}

/// Appends payloads and returns when all are durable.
fn append(dir: &Path, payloads: &[Vec<u8>]) {
    let (events, durable) = mpsc::channel();
    let writer = open(dir).0.start(move |event| events.send(event).unwrap()).unwrap();
    for payload in payloads {
        writer.append(payload.clone()).unwrap();
        let Event::Durable { payload: reported, .. } = durable.recv().unwrap() else { panic!("a write failed") };
        assert_eq!(&reported, payload, "reported in order");
    }
    writer.close();
}

fn payload(n: u32) -> Vec<u8> {
    vec![n as u8 | 1; 20 + n as usize % 30]
}

fn payloads(from: u32, to: u32) -> Vec<Vec<u8>> {
    (from..to).map(payload).collect()
}

fn read(dir: &Path, from: u64) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let mut reader = Reader::open_dir(dir, Sequence(from));
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push((record.sequence.0, record.payload.to_vec()));
    }
    Ok(records)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn records_come_back_in_order_over_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 10));
    append(dir.path(), &payloads(10, 30));
    assert!(segments(dir.path()).len() > 3);
    let expected: Vec<_> = (1..).zip(payloads(0, 30)).collect();
    assert_eq!(read(dir.path(), 1).unwrap(), expected);
    for from in 1..=31 {
        assert_eq!(read(dir.path(), from).unwrap(), expected[from as usize - 1..], "from {from}");
    }
    let (journal, recovery) = open(dir.path());
    assert_eq!(
        (journal.first(), journal.last(), recovery.n_records, recovery.cut),
        (Sequence(1), Sequence(30), 30, None)
    );
}

#[test]
fn every_opening_that_wrote_is_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 2));
    append(dir.path(), &payloads(2, 3));
    let mut reader = Reader::open_dir(dir.path(), Sequence(1));
    let mut epochs = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        epochs.push(record.epoch);
    }
    assert_eq!(epochs, [1, 1, 2]);
    assert_eq!(open(dir.path()).0.epoch(), 3);
}

#[test]
fn a_tail_torn_anywhere_is_cut_and_what_was_whole_stays() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 12));
    let last = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for len in 0..whole.len() {
        fs::write(&last, &whole[..len]).unwrap();
        let before = read(dir.path(), 1).unwrap();
        let (journal, recovery) = open(dir.path());
        assert_eq!(journal.last().0, before.len() as u64, "cut at {len}");
        let is_clean = recovery.cut.is_none();
        assert_eq!(open(dir.path()).1.cut, None, "recovery twice gives the same, cut at {len}");
        assert!(is_clean || len < whole.len());
        append(dir.path(), &[payload(77)]);
        assert_eq!(read(dir.path(), 1).unwrap().last().unwrap().1, payload(77), "goes on after a cut at {len}");
        for added in segments(dir.path()).into_iter().filter(|path| *path > last) {
            fs::remove_file(added).unwrap();
        }
    }
}

#[test]
fn garbage_behind_the_tail_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 12));
    let last = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for n in 1..=64_usize {
        let mut longer = whole.clone();
        longer.extend((0..n).map(|i| (i * 37 + n) as u8));
        fs::write(&last, longer).unwrap();
        let (journal, recovery) = open(dir.path());
        assert_eq!((journal.last().0, recovery.cut.unwrap().n_octets), (12, n as u64));
    }
}

#[test]
fn damage_before_the_last_segment_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 12));
    let first = segments(dir.path()).remove(0);
    let whole = fs::read(&first).unwrap();
    for at in 0..whole.len() {
        for bit in [0_u8, 3, 7] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&first, &flipped).unwrap();
            let error = Journal::open(dir.path(), SMALL).unwrap_err();
            let refused =
                matches!(&error, Error::Damaged { path, offset, .. } if *path == first && *offset <= at as u64);
            let version = matches!(&error, Error::UnknownVersion { .. });
            assert!(refused || version, "bit {bit} of octet {at}: {error}");
            assert_eq!(fs::read(&first).unwrap(), flipped, "nothing is changed");
        }
    }
    fs::write(&first, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(Journal::open(dir.path(), SMALL), Err(Error::Damaged { .. })), "a cut is damage there");
    fs::remove_file(&segments(dir.path())[1]).unwrap();
    fs::write(&first, &whole).unwrap();
    assert!(matches!(Journal::open(dir.path(), SMALL), Err(Error::Damaged { offset: 0, .. })), "a missing segment");
}

#[test]
fn damage_in_the_last_segment_is_told_from_a_torn_tail() {
    let big = JournalOptions::default();
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), big).unwrap();
    for n in 0..12 {
        journal.append(payload(n)).unwrap();
    }
    let path = segments(dir.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    for at in 40..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).unwrap();
        let before = View::look(dir.path(), big).map(|view| view.last().0);
        match Journal::open(dir.path(), big) {
            // Of the last group a crash may have left any part.
            Ok((journal, recovery)) => {
                assert!(journal.last().0 >= 10 && recovery.cut.is_some(), "octet {at}: ends at {:?}", journal.last());
                assert_eq!(before.unwrap(), journal.last().0, "a look sees what an opening keeps");
            }
            Err(error) => {
                assert!(matches!(&error, Error::Damaged { .. } | Error::UnknownVersion { .. }), "octet {at}: {error}");
                assert!(before.is_err());
                assert_eq!(fs::read(&path).unwrap(), flipped, "nothing is changed");
            }
        }
    }
}

#[test]
fn a_look_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 12));
    let last = segments(dir.path()).pop().unwrap();
    let mut longer = fs::read(&last).unwrap();
    longer.extend([7; 9]);
    fs::write(&last, &longer).unwrap();
    let view = View::look(dir.path(), SMALL).unwrap();
    assert_eq!((view.first(), view.last(), view.torn().unwrap().n_octets), (Sequence(1), Sequence(12), 9));
    assert_eq!((fs::read(&last).unwrap(), view.segments().unwrap().len()), (longer, segments(dir.path()).len()));
    let nowhere = View::look(&dir.path().join("nowhere"), SMALL).unwrap();
    assert_eq!((nowhere.last(), nowhere.segments().unwrap().len()), (Sequence(0), 0));
}

#[test]
fn another_process_may_read_while_records_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let (events, durable) = mpsc::channel();
    let writer = open(dir.path()).0.start(move |event| events.send(event).unwrap()).unwrap();
    for n in 0..200 {
        writer.append(payload(n)).unwrap();
        let Event::Durable { sequence, .. } = durable.recv().unwrap() else { panic!("a write failed") };
        assert_eq!(read(dir.path(), 1).unwrap().len() as u64, sequence.0);
    }
    writer.close();
}

#[test]
fn a_write_that_fails_is_reported_and_nothing_more_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("journal");
    let (events, reported) = mpsc::channel();
    let writer = open(&inner).0.start(move |event| events.send(event).unwrap()).unwrap();
    // The folder vanishes: the next segment can't be created.
    fs::remove_dir_all(&inner).unwrap();
    let failed = (0..100).find_map(|n| {
        let _ = writer.append(payload(n));
        match reported.recv() {
            Ok(Event::Failed(error)) => Some(error),
            Ok(Event::Durable { .. }) => None,
            Err(_) => panic!("ended without a word"),
        }
    });
    assert!(matches!(failed, Some(Error::Io { .. })));
    while writer.append(payload(1)).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn a_segment_of_a_later_version_is_refused_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    append(dir.path(), &payloads(0, 2));
    let path = segments(dir.path()).remove(0);
    let mut octets = fs::read(&path).unwrap();
    octets[7] = 2;
    let crc = crc32c::crc32c(&octets[..36]);
    octets[36..40].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, &octets).unwrap();
    let error = Journal::open(dir.path(), SMALL).unwrap_err();
    assert!(matches!(error, Error::UnknownVersion { offset: 0, found: 2, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), octets, "nothing is changed");
}
