//! What the journal promises: what was appended is read again, a torn tail is cut off, and no other change goes unseen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::failing::{FailingDisk, Operation};
use super::frame::Kind;
use super::*;
use crate::store::lock::{LockError, StateLock};

/// Plain bytes: the journal asks for no more.
pub(super) type Bytes = Vec<u8>;

impl Payload for Bytes {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Ok(bytes.to_vec())
    }

    fn ends_snapshot(&self) -> bool {
        false
    }
}

/// That entry, with so many bytes behind its number.
pub(super) fn bytes(number: u64, longer: u64) -> Bytes {
    format!("entry {number} {}", "x".repeat(longer as usize)).into()
}

fn entry(number: u64) -> Bytes {
    bytes(number, 45 + number % 50)
}

pub(super) fn read(folder: &Path) -> Result<Vec<Bytes>, JournalError> {
    let mut entries = Vec::new();
    Journal::open_in(folder, Options::default(), &mut |scanned| {
        let payload = read_payload(folder, &scanned.location)?;
        assert_eq!(payload, scanned.entry);
        entries.push(scanned.entry);
        Ok(())
    })?;
    Ok(entries)
}

/// A journal of `batches` of three entries each, in segments of that length, and where each batch ends in the last one.
fn write(folder: &Path, batches: u64, segment_bytes: u64) -> Vec<(u64, u64)> {
    let options = Options {
        segment_bytes,
        ..Options::default()
    };
    let mut journal = Journal::open_in(folder, options, &mut |_| Ok(())).unwrap();
    (0..batches)
        .map(|batch| {
            let entries: Vec<Bytes> = (0..3).map(|number| entry(batch * 3 + number)).collect();
            journal.append(&entries).unwrap();
            (journal.segment, journal.end)
        })
        .collect()
}

fn last_segment(folder: &Path) -> PathBuf {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "journal"))
        .collect();
    paths.sort();
    paths.pop().unwrap()
}

#[test]
fn entries_come_back_over_several_segments() {
    let folder = tempfile::tempdir().unwrap();
    let ends = write(folder.path(), 20, 1000);
    assert!(ends.last().unwrap().0 > 10, "several segments: {ends:?}");
    let expected: Vec<Bytes> = (0..60).map(entry).collect();
    assert_eq!(read(folder.path()).unwrap(), expected);
    // And on it goes.
    let mut journal = Journal::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
    assert_eq!(journal.append(&[entry(60)]).unwrap()[0].sequence, 61);
    drop(journal);
    assert_eq!(read(folder.path()).unwrap().len(), 61);
}

/// What was written by format 4 stays readable, and is written alike.
#[test]
fn the_bytes_of_a_segment_are_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
    journal.append(&[entry(1), entry(2)]).unwrap();
    journal.append(&[entry(3)]).unwrap();
    drop(journal);
    let written = std::fs::read(last_segment(folder.path())).unwrap();
    assert_eq!(
        sweeps::Digest::of(&written).to_string(),
        "c83f88def75b2642b079c1c80c76725143474f42e6095c44c8a1ffda9fccf78c"
    );
}

#[test]
fn two_coordinators_cannot_have_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal =
        Journal::<Bytes>::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
    assert!(matches!(
        read(folder.path()),
        Err(JournalError::Lock(LockError::InUse(_)))
    ));
    drop(journal);
    assert!(read(folder.path()).unwrap().is_empty());
}

#[test]
fn another_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1, 1 << 20);
    let path = last_segment(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    for version in [9, 3, 1] {
        let mut header = frame::header(Kind::Plain, 1, &frame::GENESIS);
        header[8] = version;
        let check = &blake3::hash(&header[..52]).as_bytes()[..8].to_vec();
        header[52..].copy_from_slice(check);
        bytes[..60].copy_from_slice(&header);
        std::fs::write(&path, &bytes).unwrap();
        let error = read(folder.path()).unwrap_err();
        let told = error.to_string();
        match error {
            JournalError::TooNew { version: 9, .. } => assert!(told.contains("later")),
            JournalError::TooOld { version: 1 | 3, .. } => {
                assert!(told.contains("new state folder"), "{told}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is changed");
    }
}

#[test]
fn a_missing_or_foreign_segment_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 20, 1000);
    std::fs::remove_file(files::path_of(folder.path(), 1)).unwrap();
    assert!(matches!(
        read(folder.path()),
        Err(JournalError::Damaged { .. })
    ));
}

#[test]
fn an_append_that_fails_at_any_point_loses_nothing_and_can_be_repeated() {
    for failing in [Operation::Write, Operation::Sync, Operation::Create] {
        let folder = tempfile::tempdir().unwrap();
        let broken = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(0));
        let options = Options {
            segment_bytes: 300,
            disk: Arc::new(FailingDisk(Arc::new({
                let (broken, asked) = (broken.clone(), asked.clone());
                move |operation| {
                    if operation == failing && broken.load(Ordering::Relaxed) {
                        *asked.lock().unwrap() += 1;
                        return Err(io::ErrorKind::StorageFull.into());
                    }
                    Ok(())
                }
            }))),
            ..Options::default()
        };
        let mut journal = Journal::open_in(folder.path(), options, &mut |_| Ok(())).unwrap();
        let mut written = 0;
        for round in 0..12 {
            broken.store(round % 3 == 1, Ordering::Relaxed);
            let batch = [entry(written), entry(written + 1)];
            match journal.append(&batch) {
                Ok(_) => written += 2,
                Err(error) => assert!(matches!(error, JournalError::Io { .. }), "{error}"),
            }
        }
        assert!(*asked.lock().unwrap() > 0, "{failing:?} was never tried");
        drop(journal);
        let expected: Vec<Bytes> = (0..written).map(entry).collect();
        assert_eq!(read(folder.path()).unwrap(), expected, "{failing:?}");
    }
}

#[test]
fn repair_cuts_at_the_damage_and_keeps_what_it_cut() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 20, 1000);
    assert!(repair_in(folder.path(), true).unwrap().is_empty());
    let path = files::path_of(folder.path(), 10);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 3;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        read(folder.path()),
        Err(JournalError::Damaged { .. })
    ));
    assert!(matches!(
        repair_in(folder.path(), false),
        Err(JournalError::Damaged { .. })
    ));
    let mended = repair_in(folder.path(), true).unwrap();
    assert!(matches!(&mended[..], [Mended::Cut(text)] if text.contains("damaged")));
    let kept = read(folder.path()).unwrap();
    assert!(kept.len() >= 9 && kept.len() < 60, "{}", kept.len());
    assert_eq!(kept, (0..kept.len() as u64).map(entry).collect::<Vec<_>>());
    assert!(path.with_extension("journal.damaged").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A crash may leave any prefix of what was being written: all whole entries are recovered, and writing goes on.
    #[test]
    fn any_prefix_recovers_all_whole_entries(share in 0.0..1.0_f64, zeros in 0..3_usize) {
        let folder = tempfile::tempdir().unwrap();
        let ends = write(folder.path(), 4, 1 << 20);
        let path = last_segment(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let cut = (share * bytes.len() as f64) as usize;
        // Zeros begin where a sector does, or where nothing was.
        let cut = if zeros > 0 { cut / 512 * 512 } else { cut };
        bytes.truncate(cut);
        // The file may also have grown without its pages being written; a header is synced before anything follows it.
        if cut as u64 >= frame::HEADER {
            bytes.resize(cut + zeros * 40, 0);
        }
        std::fs::write(&path, &bytes).unwrap();
        let whole = ends.iter().filter(|(_, end)| *end <= cut as u64).count() * 3;
        let found = read(folder.path()).unwrap();
        prop_assert!(found.len() >= whole && found.len() < whole + 3, "{} of {}", found.len(), whole);
        prop_assert_eq!(&found, &(0..found.len() as u64).map(entry).collect::<Vec<_>>());
        let mut journal = Journal::open_in(folder.path(), Options::default(), &mut |_| Ok(())).unwrap();
        journal.append(&[entry(99)]).unwrap();
        drop(journal);
        prop_assert_eq!(read(folder.path()).unwrap().len(), found.len() + 1);
    }

    /// No changed byte passes in silence, wherever it is and whatever it becomes.
    #[test]
    fn any_flipped_byte_is_detected(share in 0.0..1.0_f64, flip in 1..=255_u8) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 4, 500);
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "journal"))
            .collect();
        paths.sort();
        let total: usize = paths.iter().map(|path| std::fs::metadata(path).unwrap().len() as usize).sum();
        let mut at = (share * total as f64) as usize;
        for path in paths {
            let mut bytes = std::fs::read(&path).unwrap();
            if at < bytes.len() {
                bytes[at] ^= flip;
                std::fs::write(&path, &bytes).unwrap();
                break;
            }
            at -= bytes.len();
        }
        let damaged = matches!(read(folder.path()), Err(JournalError::Damaged { .. }));
        prop_assert!(damaged);
    }
}

/// Locks a folder that is a journal, and repairs it.
fn repair_in(folder: &Path, cut: bool) -> Result<Vec<Mended>, JournalError> {
    repair::<Bytes>(&StateLock::of_journal(folder)?, cut)
}

impl<P: Payload> Journal<P> {
    /// Locks a folder that is a journal, and opens it.
    pub(crate) fn open_in(
        folder: &Path,
        options: Options,
        visit: &mut scan::Visit<'_, P>,
    ) -> Result<Self, JournalError> {
        Untouched::read(&StateLock::of_journal(folder)?, options, visit)?.open()
    }
}
