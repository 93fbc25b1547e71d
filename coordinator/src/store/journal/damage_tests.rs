//! Snapshots that were damaged or lost: never in silence, and at no cost where the one before it is there.

use std::path::{Path, PathBuf};

use super::files::{Selection, snapshot_of};
use super::snapshot_tests::{compact, history, small, state_of};
use super::*;
use crate::scheduler::Scheduler;
use crate::store::entries::{self, EntryJournal, verify};
use crate::store::lock::StateLock;

/// Locks a folder that is a journal, and repairs it.
fn repair_in(folder: &Path, cut: bool) -> Result<Vec<Mended>, JournalError> {
    entries::repair(&StateLock::of_journal(folder)?, cut)
}

/// A folder with two snapshots and what is behind them; the newest of them and the segment behind it, and the state.
fn compacted(folder: &Path) -> (PathBuf, PathBuf, Scheduler) {
    let mut journal = EntryJournal::open_in(folder, small(), &mut |_| Ok(())).unwrap();
    let turns = history();
    for (number, (turn, _)) in turns[..11].iter().enumerate() {
        journal.append(turn).unwrap();
        if number == 4 || number == 9 {
            compact(&mut journal).unwrap();
        }
    }
    let newest = snapshot_of(folder, journal.segment);
    (newest, journal.path.clone(), turns[10].1.clone())
}

#[test]
fn any_flipped_byte_of_a_snapshot_is_said_and_costs_nothing_after_a_repair() {
    let folder = tempfile::tempdir().unwrap();
    let (snapshot, _, state) = compacted(folder.path());
    let whole = std::fs::read(&snapshot).unwrap();
    let aside = snapshot.with_extension("snapshot.damaged");
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        std::fs::write(&snapshot, &bytes).unwrap();
        let error = verify(folder.path()).unwrap_err();
        assert!(
            matches!(&error, JournalError::DamagedSnapshot { path, .. } if *path == snapshot),
            "{at}: {error}"
        );
        assert!(state_of(folder.path()).is_err(), "{at}: not in silence");
        assert_eq!(std::fs::read(&snapshot).unwrap(), bytes);
        let mended = repair_in(folder.path(), false).unwrap();
        assert!(matches!(&mended[..], [Mended::SetAside(_)]), "{mended:?}");
        let found = state_of(folder.path()).unwrap();
        assert_eq!(found.fingerprint(), state.fingerprint(), "{at}");
        assert_eq!(std::fs::read(&aside).unwrap(), bytes);
        std::fs::remove_file(&aside).unwrap();
    }
    // Cut short, or empty: the same.
    for keep in [0, 30, 60, 400, 2_000] {
        std::fs::write(&snapshot, &whole[..keep]).unwrap();
        assert!(state_of(folder.path()).is_err(), "{keep}");
        repair_in(folder.path(), false).unwrap();
        let found = state_of(folder.path()).unwrap();
        assert_eq!(found.fingerprint(), state.fingerprint());
    }
}

#[test]
fn a_damaged_snapshot_stays_where_nothing_else_holds_what_it_stands_for() {
    let folder = tempfile::tempdir().unwrap();
    let (snapshot, _, _) = compacted(folder.path());
    // A copy, like a backup, has no more than is needed.
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path()).unwrap();
    let snapshot = copied.path().join(snapshot.file_name().unwrap());
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&snapshot, &bytes).unwrap();
    for cut in [false, true] {
        assert!(matches!(
            repair_in(copied.path(), cut),
            Err(JournalError::DamagedSnapshot { .. })
        ));
        assert_eq!(std::fs::read(&snapshot).unwrap(), bytes);
    }
}

#[test]
fn a_lost_snapshot_or_segment_is_not_taken_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (snapshot, behind, state) = compacted(folder.path());
    let lost = folder.path().join("lost");
    std::fs::rename(&behind, &lost).unwrap();
    assert!(matches!(
        state_of(folder.path()),
        Err(JournalError::Damaged { path, .. }) if path == behind
    ));
    // Who accepts that gets what the snapshot holds, and can go on.
    let mended = repair_in(folder.path(), true).unwrap();
    assert!(matches!(&mended[..], [Mended::Cut(_)]), "{mended:?}");
    state_of(folder.path()).unwrap();
    std::fs::rename(&lost, &behind).unwrap();
    // Everything that a lost snapshot stood for is still there once.
    std::fs::remove_file(&snapshot).unwrap();
    let found = state_of(folder.path()).unwrap();
    assert_eq!(found.fingerprint(), state.fingerprint());
    let older = files::open(folder.path(), Selection::All).unwrap();
    let older = older
        .current
        .into_iter()
        .find(|segment| segment.is_snapshot);
    std::fs::remove_file(older.unwrap().path).unwrap();
    assert!(matches!(
        state_of(folder.path()),
        Err(JournalError::Damaged { .. })
    ));
}
