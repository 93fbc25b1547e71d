//! The plug is pulled at any moment: everything that was acknowledged is there when the power comes back.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::power_loss::PowerLossDisk;
use super::snapshot_tests::{history, small, state_of};
use super::*;
use crate::engine::replayed_state::ReplayedState;
use crate::model::entry::Entry;
use crate::scheduler::{Policy, Scheduler};
use crate::store::entries::EntryJournal;

/// What happens to a journal.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The next turn is appended.
    Append,
    /// A snapshot is begun, where none is.
    Begin,
    /// The one that was begun is written.
    Write,
    /// The index has followed: what is obsolete goes.
    Adopt,
    /// The coordinator is killed and started again; the machine goes on.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Append),
        2 => Just(Step::Begin),
        2 => Just(Step::Write),
        2 => Just(Step::Adopt),
        1 => Just(Step::Restart),
    ]
}

struct Machine {
    folder: tempfile::TempDir,
    disk: PowerLossDisk,
    turns: &'static [(Vec<Entry>, Scheduler)],
    journal: Option<EntryJournal>,
    begun: Option<Snapshot<Entry>>,
    written: Option<SnapshotFile>,
    acknowledged: usize,
}

impl Machine {
    fn new() -> Self {
        static TURNS: OnceLock<Vec<(Vec<Entry>, Scheduler)>> = OnceLock::new();
        let mut machine = Self {
            folder: tempfile::tempdir().unwrap(),
            disk: PowerLossDisk::default(),
            turns: TURNS.get_or_init(history),
            journal: None,
            begun: None,
            written: None,
            acknowledged: 0,
        };
        machine.start();
        machine
    }

    fn start(&mut self) {
        self.journal = None;
        self.begun = None;
        self.written = None;
        let options = Options {
            disk: Arc::new(self.disk.clone()),
            ..small()
        };
        // Without power it does not start.
        if let Ok(mut journal) = EntryJournal::open_in(self.folder.path(), options, &mut |_| Ok(()))
        {
            journal.remove_obsolete();
            self.journal = Some(journal);
        }
    }

    /// Answers whether the power is still there.
    fn step(&mut self, step: Step) -> Result<(), JournalError> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        match step {
            Step::Append => {
                if let Some((turn, _)) = self.turns.get(self.acknowledged) {
                    journal.append(turn)?;
                    self.acknowledged += 1;
                }
            }
            Step::Begin if self.begun.is_none() && self.written.is_none() => {
                self.begun = journal.begin_snapshot()?;
            }
            Step::Write => {
                if let Some(snapshot) = self.begun.take() {
                    let mut state = ReplayedState::new(Policy::default());
                    self.written = Some(snapshot.write(&mut state, &AtomicBool::new(false))?);
                }
            }
            Step::Adopt => {
                if let Some(written) = self.written.take() {
                    journal.adopt(&written)?;
                }
            }
            Step::Restart => self.start(),
            Step::Begin => {}
        }
        Ok(())
    }

    /// What is found when the power comes back: what was acknowledged, and of the turn that was being written (if one was)
    /// the beginning. Also without the newest snapshot.
    fn check(&self, seed: u64, unfinished: bool) -> Result<(), TestCaseError> {
        let mut state = match self.acknowledged.checked_sub(1) {
            Some(last) => self.turns[last].1.clone(),
            None => Scheduler::new(Policy::default()),
        };
        let mut possible = vec![state.fingerprint()];
        if let Some((turn, _)) = self.turns.get(self.acknowledged)
            && unfinished
        {
            for entry in turn {
                state.replay(entry).unwrap();
                possible.push(state.fingerprint());
            }
        }
        let after = tempfile::tempdir().unwrap();
        self.disk.pull_the_plug(seed, after.path());
        let look = || {
            let found = state_of(after.path());
            found.map_err(|error| TestCaseError::fail(error.to_string()))
        };
        prop_assert!(possible.contains(&look()?.fingerprint()));
        let snapshots = std::fs::read_dir(after.path()).unwrap();
        let newest = snapshots
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "snapshot"))
            .max();
        if let Some(newest) = newest {
            std::fs::remove_file(newest).unwrap();
            prop_assert!(
                possible.contains(&look()?.fingerprint()),
                "without the snapshot"
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_acknowledged_survives_a_power_loss_at_any_moment(
        steps in proptest::collection::vec(step(), 1..60),
        operations in 0..300_usize,
        seed in any::<u64>(),
    ) {
        let mut machine = Machine::new();
        machine.disk.fail_after(operations);
        let mut unfinished = false;
        for step in steps {
            if machine.step(step).is_err() {
                unfinished = matches!(step, Step::Append);
                break;
            }
        }
        for chance in 0..4 {
            machine.check(seed.wrapping_add(chance), unfinished)?;
        }
    }
}
