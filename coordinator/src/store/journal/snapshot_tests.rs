//! Compaction: whatever fails, and wherever the process dies, the state is that of some prefix that holds everything
//! acknowledged.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sweeps::{FailureClass, JobStatus};

use super::failing::FailingDisk;
use super::files::snapshot_of;
use super::*;
use crate::engine::replayed_state::ReplayedState;
use crate::model::entry::Entry;
use crate::scheduler::tests::world::World;
use crate::scheduler::{Policy, Scheduler};
use crate::store::entries::{EntryJournal, verify};
use crate::store::index::RecordLocation;
use proto::nouns::{ControlAction, Target};

/// A history of a small lab: the entries of each turn, and the state after it.
pub(crate) fn history() -> Vec<(Vec<Entry>, Scheduler)> {
    let mut world = World::new();
    let mut turns = Vec::new();
    let note = |world: &World, turns: &mut Vec<(Vec<Entry>, Scheduler)>| {
        let known: usize = turns
            .iter()
            .map(|(entries, _): &(Vec<Entry>, _)| entries.len())
            .sum();
        turns.push((world.entries[known..].to_vec(), world.scheduler.clone()));
    };
    world.sweep("grown", 4);
    note(&world, &mut turns);
    let (a, b) = (world.worker("a"), world.worker("b"));
    note(&world, &mut turns);
    world.sweep("grown", 20);
    note(&world, &mut turns);
    for round in 0..7 {
        let (first, second) = (world.one(a), world.one(b));
        note(&world, &mut turns);
        world.finish(a, &first).unwrap();
        if round == 2 {
            let mut other = crate::scheduler::fixture::record(first.job_id, first.attempt, "late");
            other.outcome.curve.clear();
            world.deliver(b, other).unwrap();
        }
        note(&world, &mut turns);
        if round % 2 == 0 {
            let _ = world.fail(b, &second, FailureClass::WorkerLost);
        } else if round < 5 {
            world.finish(b, &second).unwrap();
        }
        note(&world, &mut turns);
    }
    world.sweep("grown", 6);
    world.control(Target::Sweep("grown".into()), ControlAction::Pause);
    note(&world, &mut turns);
    turns.retain(|(entries, _)| !entries.is_empty());
    turns
}

pub(crate) fn small() -> Options {
    Options {
        segment_bytes: 3_000,
        ..Options::default()
    }
}

/// A snapshot from its beginning to its end; nothing is appended meanwhile.
pub(crate) fn compact(journal: &mut EntryJournal) -> Result<Vec<RecordLocation>, JournalError> {
    let Some(snapshot) = journal.begin_snapshot()? else {
        return Ok(Vec::new());
    };
    let mut state = ReplayedState::new(Policy::default());
    let written = snapshot.write(&mut state, &AtomicBool::new(false))?;
    journal.adopt(&written)?;
    Ok(state.records)
}

/// Opens the journal without faults; the state that it gives. Every record can be read at its place.
pub(crate) fn state_of(folder: &Path) -> Result<Scheduler, JournalError> {
    let mut scheduler = Scheduler::new(Policy::default());
    let mut journal = EntryJournal::open_in(folder, small(), &mut |scanned| {
        scheduler.replay(&scanned.entry).unwrap();
        read_payload(folder, &scanned.location)?;
        Ok(())
    })?;
    journal.remove_obsolete();
    scheduler.replayed().unwrap();
    Ok(scheduler)
}

/// Fails at the operation of that number; from there on, where `dead`, at every one.
fn failing_at(number: usize, dead: bool) -> (Options, Arc<Mutex<usize>>) {
    let count = Arc::new(Mutex::new(0));
    let options = Options {
        disk: Arc::new(FailingDisk(Arc::new({
            let count = count.clone();
            move |_| {
                let mut count = count.lock().unwrap();
                *count += 1;
                if *count == number + 1 || (dead && *count > number) {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Ok(())
            }
        }))),
        ..small()
    };
    (options, count)
}

#[test]
fn a_snapshot_stands_for_everything_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = EntryJournal::open_in(folder.path(), small(), &mut |_| Ok(())).unwrap();
    let turns = history();
    let mut entries = 0;
    for (number, (turn, scheduler)) in turns.iter().enumerate() {
        journal.append(turn).unwrap();
        entries += turn.len() as u64;
        if number % 4 == 3 {
            let records = compact(&mut journal).unwrap();
            let done = scheduler.sweeps()[0].counts.of(JobStatus::Done);
            assert!(records.len() as u64 >= done, "{} of {done}", records.len());
            for record in records {
                let payload = read_payload(folder.path(), &record.location).unwrap();
                let entry: Entry = serde_json::from_slice(&payload).unwrap();
                assert_eq!(entry.finished().unwrap().job_id, record.job);
            }
            assert!(compact(&mut journal).unwrap().is_empty(), "nothing came");
        }
    }
    assert_eq!(journal.sequence(), entries, "a snapshot takes no numbers");
    drop(journal);
    let last = &turns.last().unwrap().1;
    let found = state_of(folder.path()).unwrap();
    assert_eq!(found.fingerprint(), last.fingerprint());
    let verified = verify(folder.path()).unwrap();
    assert_eq!(verified.sequence, entries);
    // The last two snapshots are there, and nothing from before the older one.
    let snapshots = |extension: &str| {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == extension));
        paths.sort();
        paths
    };
    let (two, segments) = (snapshots("snapshot"), snapshots("journal"));
    assert_eq!(two.len(), 2);
    assert_eq!(segments[0].file_stem(), two[0].file_stem());
}

/// The answer of a snapshot must not depend on what comes while it is written.
#[test]
fn a_journal_goes_on_while_a_snapshot_of_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = EntryJournal::open_in(folder.path(), small(), &mut |_| Ok(())).unwrap();
    let turns = history();
    let (early, late) = turns.split_at(10);
    for (turn, _) in early {
        journal.append(turn).unwrap();
    }
    let snapshot = journal.begin_snapshot().unwrap().unwrap();
    let (during, after) = late.split_at(5);
    for (turn, _) in during {
        journal.append(turn).unwrap();
    }
    let mut state = ReplayedState::new(Policy::default());
    let written = snapshot.write(&mut state, &AtomicBool::new(false)).unwrap();
    assert_eq!(
        state.scheduler.fingerprint(),
        early.last().unwrap().1.fingerprint(),
        "it stands for what was before it"
    );
    journal.append(&after[0].0).unwrap();
    journal.adopt(&written).unwrap();
    for (turn, _) in &after[1..] {
        journal.append(turn).unwrap();
    }
    drop((journal, snapshot));
    let last = turns.last().unwrap().1.fingerprint();
    let whole = state_of(folder.path()).unwrap();
    assert_eq!(whole.fingerprint(), last);
    // Without the snapshot the folder says the same: it is a shortcut.
    std::fs::remove_file(snapshot_of(folder.path(), written.first)).unwrap();
    assert_eq!(state_of(folder.path()).unwrap().fingerprint(), last);
}

#[test]
fn a_snapshot_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = EntryJournal::open_in(folder.path(), small(), &mut |_| Ok(())).unwrap();
    for (turn, _) in history() {
        journal.append(&turn).unwrap();
    }
    let snapshot = journal.begin_snapshot().unwrap().unwrap();
    let mut state = ReplayedState::new(Policy::default());
    let stopped = snapshot.write(&mut state, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(JournalError::Io { .. })));
    let names = std::fs::read_dir(folder.path()).unwrap();
    for name in names.map(|entry| entry.unwrap().file_name()) {
        assert!(!name.to_string_lossy().contains("snapshot"), "{name:?}");
    }
}

#[test]
fn a_snapshot_is_due_ever_more_seldom() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        snapshot_bytes: 2_000,
        ..small()
    };
    let mut journal = EntryJournal::open_in(folder.path(), options, &mut |_| Ok(())).unwrap();
    let mut since = Vec::new();
    let mut turns = 0;
    for (turn, _) in history() {
        journal.append(&turn).unwrap();
        turns += 1;
        if journal.is_snapshot_due() {
            compact(&mut journal).unwrap();
            assert!(!journal.is_snapshot_due());
            since.push(std::mem::take(&mut turns));
        }
    }
    assert!(
        since.len() >= 2 && since.last() > since.first(),
        "{since:?}"
    );
}

#[test]
fn a_crash_at_any_point_of_compaction_loses_nothing() {
    let turns = history();
    let mut crashes = 0;
    for point in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (options, count) = failing_at(point, true);
        let mut acknowledged = 0;
        let crashed = (|| -> Result<(), JournalError> {
            let mut journal = EntryJournal::open_in(folder.path(), options, &mut |_| Ok(()))?;
            for (turn, _) in &turns {
                journal.append(turn)?;
                acknowledged += 1;
                if acknowledged % 5 == 4 {
                    compact(&mut journal)?;
                }
            }
            Ok(())
        })();
        let found = state_of(folder.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
        // What was not acknowledged may be there too, whole.
        let possible: Vec<String> = [acknowledged, acknowledged + 1]
            .into_iter()
            .filter_map(|turns_done: usize| match turns_done.checked_sub(1) {
                None => Some(Scheduler::new(Policy::default()).fingerprint()),
                Some(last) => turns.get(last).map(|(_, state)| state.fingerprint()),
            })
            .collect();
        let partial = acknowledged < turns.len();
        let is_known = possible.contains(&found.fingerprint());
        assert!(
            is_known || partial,
            "{point}: another state after {acknowledged} turns"
        );
        // A turn that was torn is a prefix of that turn: nothing acknowledged is missing.
        if !is_known {
            let mut scheduler = acknowledged.checked_sub(1).map_or_else(
                || Scheduler::new(Policy::default()),
                |last| turns[last].1.clone(),
            );
            let prefixes = turns[acknowledged].0.iter().any(|entry| {
                scheduler.replay(entry).unwrap();
                scheduler.fingerprint() == found.fingerprint()
            });
            assert!(
                prefixes,
                "{point}: neither before nor in turn {acknowledged}"
            );
        }
        if crashed.is_ok() && *count.lock().unwrap() <= point {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 60, "only {crashes} points");
}

/// Operations that make a journal: its first segment with its header, synced, with its name.
const MAKING: usize = 4;

#[test]
fn an_operation_that_fails_leaves_a_journal_that_goes_on() {
    let turns = history();
    for point in 0.. {
        let folder = tempfile::tempdir().unwrap();
        // The first ones make the journal.
        let (options, count) = failing_at(point + MAKING, false);
        let mut journal = EntryJournal::open_in(folder.path(), options, &mut |_| Ok(())).unwrap();
        for (number, (turn, _)) in turns.iter().enumerate() {
            if journal.append(turn).is_err() {
                journal.append(turn).unwrap();
            }
            if number % 5 == 4 {
                let _ = compact(&mut journal);
            }
        }
        drop(journal);
        let last = &turns.last().unwrap().1;
        let found = state_of(folder.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
        assert_eq!(found.fingerprint(), last.fingerprint(), "{point}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "snapshot-part"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        if *count.lock().unwrap() <= point + MAKING {
            break;
        }
    }
}
