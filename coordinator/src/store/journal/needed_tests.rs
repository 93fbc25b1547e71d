//! Files that are removed or cut short under an open journal: nothing is acknowledged from then on.

use std::path::{Path, PathBuf};

use super::files::snapshot_of;
use super::snapshot_tests::{compact, history, small};
use super::*;
use crate::engine::replayed_state::ReplayedState;
use crate::scheduler::Policy;
use crate::store::entries::EntryJournal;
use crate::store::lock::LockError;

/// Changes a file that holds these bytes.
type Cut = dyn Fn(&Path, &[u8]);

fn is_gone(result: Result<(), JournalError>, path: &Path) -> bool {
    matches!(result, Err(JournalError::Lock(LockError::Gone(gone))) if gone == path)
}

/// An open journal with two snapshots, of which a start needs the newer, and segments behind that.
fn open(folder: &Path) -> EntryJournal {
    let mut journal = EntryJournal::open_in(folder, small(), &mut |_| Ok(())).unwrap();
    for (number, (turn, _)) in history()[..15].iter().enumerate() {
        journal.append(turn).unwrap();
        if number == 3 || number == 7 {
            compact(&mut journal).unwrap();
        }
    }
    journal
}

#[test]
fn a_segment_that_is_cut_short_in_place_takes_nothing_any_more() {
    let ways: [&Cut; 3] = [
        &|path, _| std::fs::write(path, b"").unwrap(),
        // A backup over it: the same file.
        &|path, bytes| std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        &|path, bytes| std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap(),
    ];
    for (way, cut) in ways.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(folder.path());
        let path = journal.path.clone();
        journal.check_all().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        cut(&path, &bytes);
        let after = std::fs::read(&path).unwrap();
        assert!(is_gone(journal.check(), &path), "{way}");
        let turns = history();
        let appended = journal.append(&turns[15].0).map(drop);
        assert!(is_gone(appended, &path), "{way}");
        // Also where an append failed before: it is not made longer.
        journal.dirty_tail = true;
        let appended = journal.append(&turns[15].0).map(drop);
        assert!(is_gone(appended, &path), "{way}");
        assert_eq!(std::fs::read(&path).unwrap(), after, "{way}: not touched");
    }
}

#[test]
fn an_older_file_that_a_start_would_read_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let needed: Vec<PathBuf> = journal
        .needed
        .iter()
        .map(|file| file.path.clone())
        .collect();
    let snapshots = needed.iter().filter(|path| {
        let end = path.extension();
        end.is_some_and(|end| end == "snapshot")
    });
    assert_eq!(snapshots.count(), 1);
    assert!(needed.len() >= 2, "{needed:?}");
    drop(journal);
    // Those that were read at a start are the same.
    let mut journal = EntryJournal::open_in(folder.path(), small(), &mut |_| Ok(())).unwrap();
    let mut read: Vec<PathBuf> = journal
        .needed
        .iter()
        .map(|file| file.path.clone())
        .collect();
    let mut expected = needed.clone();
    read.sort();
    expected.sort();
    assert_eq!(read, expected);
    let away = folder.path().join("away");
    for path in &needed {
        std::fs::rename(path, &away).unwrap();
        assert!(is_gone(journal.check_all(), path), "{}", path.display());
        assert!(is_gone(journal.rotate(), path), "{}", path.display());
        // Another of the same bytes.
        std::fs::copy(&away, path).unwrap();
        assert!(is_gone(journal.check_all(), path), "{}", path.display());
        std::fs::rename(&away, path).unwrap();
        // Shorter than it was.
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(is_gone(journal.check_all(), path), "{}", path.display());
        std::fs::write(path, &bytes).unwrap();
        journal.check_all().unwrap();
    }
}

#[test]
fn nothing_is_removed_for_a_snapshot_where_something_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(folder.path());
    let snapshot = journal.begin_snapshot().unwrap().unwrap();
    let mut state = ReplayedState::new(Policy::default());
    let stop = std::sync::atomic::AtomicBool::new(false);
    let written = snapshot.write(&mut state, &stop).unwrap();
    let newest = snapshot_of(folder.path(), written.first);
    let away = folder.path().join("away");
    std::fs::rename(&newest, &away).unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    assert!(journal.adopt(&written).is_err());
    // A start reads what it read before, and that is there.
    journal.check_all().unwrap();
    std::fs::rename(&away, &newest).unwrap();
    let older = journal.needed[0].path.clone();
    std::fs::rename(&older, &away).unwrap();
    assert!(is_gone(journal.adopt(&written), &older));
    std::fs::rename(&away, &older).unwrap();
    assert_eq!(files(), before);
    journal.adopt(&written).unwrap();
    journal.check_all().unwrap();
    assert!(files() < before);
}
