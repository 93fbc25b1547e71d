//! What was asked for, whatever the cluster's queue shows of it: pure.
//!
//! A queue may be a copy of a minute ago, that of another cluster, or empty for one look. An allocation that was asked for is
//! there until somebody who must know says that it is over, or nobody has seen it for long: asking for it again would be
//! paid for twice.

use std::collections::BTreeMap;
use std::time::Duration;

use super::policy::{Allocation, AllocationState, Seen};

/// How long an allocation may be asked for and not be in the queue. Sites keep a copy of the queue for a minute or two.
const FIRST_SEEN_WITHIN: Duration = Duration::from_mins(5);
/// How long one that was in the queue may be missing there.
const SEEN_AGAIN_WITHIN: Duration = Duration::from_mins(1);
/// How long the end of one is remembered, so that it is counted once.
const END_REMEMBERED: Duration = Duration::from_hours(1);

/// The allocations that were asked for, or were in the queue once.
#[derive(Debug, Default)]
pub struct Memory(BTreeMap<String, Remembered>);

#[derive(Debug, Clone, Copy)]
struct Remembered {
    /// When somebody last knew of it.
    at: Duration,
    /// What was known then; `None`: that it was asked for.
    state: Option<AllocationState>,
}

impl Memory {
    /// The cluster gave that id. `now` is any clock that only grows.
    pub fn asked(&mut self, id: &str, now: Duration) {
        let asked = Remembered {
            at: now,
            state: None,
        };
        self.0.insert(id.to_owned(), asked);
    }

    /// Those that the queue does not show and whose end is not known: what the cluster's accounting is to be asked about.
    pub fn missing(&self, queue: &[(String, AllocationState)]) -> Vec<String> {
        self.0
            .iter()
            .filter(|(id, one)| !is_over(one.state) && !is_listed(id, queue))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// All allocations: those of the queue, and what is remembered beside. `accounts` is what the accounting says of
    /// [`Self::missing`], as far as there is one.
    pub fn merge(
        &mut self,
        now: Duration,
        queue: &[(String, AllocationState)],
        workers: &BTreeMap<String, Seen>,
        accounts: &BTreeMap<String, AllocationState>,
    ) -> Vec<Allocation> {
        for (id, state) in queue {
            let listed = Remembered {
                at: now,
                state: Some(*state),
            };
            self.0.insert(id.clone(), listed);
        }
        // An array is known by its id until its elements are listed.
        self.0
            .retain(|id, one| one.at == now || !is_listed(id, queue));
        for (id, one) in &mut self.0 {
            if one.at == now && one.state.is_some() || is_over(one.state) {
                continue;
            }
            let known = match (accounts.get(id), workers.get(id)) {
                (Some(state), _) => Some(*state),
                // Its worker is there, whatever the queue says.
                (None, Some(Seen::Idle | Seen::Busy)) => {
                    Some(AllocationState::Running(Duration::ZERO))
                }
                (None, Some(Seen::Left) | None) => None,
            };
            let (patience, ended) = match (workers.get(id), one.state) {
                // Its worker said goodbye, and was the allocation.
                (Some(_), _) => (SEEN_AGAIN_WITHIN, AllocationState::LEFT),
                (None, Some(_)) => (SEEN_AGAIN_WITHIN, AllocationState::VANISHED),
                (None, None) => (FIRST_SEEN_WITHIN, AllocationState::VANISHED),
            };
            let state = known.or((now.saturating_sub(one.at) >= patience).then_some(ended));
            if state.is_some() {
                *one = Remembered { at: now, state };
            }
        }
        self.0
            .retain(|_, one| !is_over(one.state) || now.saturating_sub(one.at) < END_REMEMBERED);
        self.0
            .iter()
            .map(|(id, one)| Allocation {
                id: id.clone(),
                state: one.state.unwrap_or(AllocationState::Waiting),
                worker: workers.get(id).copied(),
            })
            .collect()
    }
}

fn is_over(state: Option<AllocationState>) -> bool {
    matches!(state, Some(AllocationState::Ended { .. }))
}

/// Whether the queue shows that id, or elements of the array of that id.
fn is_listed(id: &str, queue: &[(String, AllocationState)]) -> bool {
    queue.iter().any(|(listed, _)| {
        listed
            .strip_prefix(id)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: AllocationState = AllocationState::Ended {
        ran: Duration::from_secs(9),
        failed: false,
    };

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    fn queue(listed: &[(&str, AllocationState)]) -> Vec<(String, AllocationState)> {
        listed
            .iter()
            .map(|(id, state)| ((*id).to_owned(), *state))
            .collect()
    }

    /// What is known after a look at this queue, with this worker and this account of allocation 7.
    fn look(
        memory: &mut Memory,
        now: Duration,
        listed: &[(&str, AllocationState)],
        worker: Option<Seen>,
        account: Option<AllocationState>,
    ) -> Vec<(String, AllocationState)> {
        let workers = worker.map(|seen| ("7".to_owned(), seen)).into_iter();
        let accounts = account.map(|state| ("7".to_owned(), state)).into_iter();
        memory
            .merge(now, &queue(listed), &workers.collect(), &accounts.collect())
            .into_iter()
            .map(|one| (one.id, one.state))
            .collect()
    }

    #[test]
    fn what_was_asked_for_waits_while_the_queue_lags() {
        let mut memory = Memory::default();
        memory.asked("7", minutes(0));
        let waits = queue(&[("7", AllocationState::Waiting)]);
        assert_eq!(memory.missing(&[]), ["7"]);
        assert_eq!(look(&mut memory, minutes(4), &[], None, None), waits);
        let runs = AllocationState::Running(minutes(1));
        let listed = [("7", runs)];
        assert!(memory.missing(&queue(&listed)).is_empty());
        assert_eq!(
            look(&mut memory, minutes(9), &listed, None, None),
            queue(&listed)
        );
        // Empty for one look.
        let moment = minutes(9) + Duration::from_secs(30);
        assert_eq!(look(&mut memory, moment, &[], None, None), queue(&listed));
    }

    #[test]
    fn what_nobody_has_seen_for_long_has_vanished_and_its_end_is_remembered() {
        for listed in [false, true] {
            let mut memory = Memory::default();
            memory.asked("7", minutes(0));
            let mut gone_at = FIRST_SEEN_WITHIN;
            if listed {
                look(
                    &mut memory,
                    minutes(2),
                    &[("7", AllocationState::Waiting)],
                    None,
                    None,
                );
                gone_at = minutes(2) + SEEN_AGAIN_WITHIN;
            }
            let vanished = queue(&[("7", AllocationState::VANISHED)]);
            assert_eq!(look(&mut memory, gone_at, &[], None, None), vanished);
            assert!(memory.missing(&[]).is_empty());
            let later = gone_at + minutes(59);
            assert_eq!(look(&mut memory, later, &[], None, None), vanished);
            assert_eq!(look(&mut memory, later + minutes(2), &[], None, None), []);
        }
    }

    #[test]
    fn a_worker_that_is_there_and_the_accounting_know_better_than_a_queue() {
        let mut memory = Memory::default();
        memory.asked("7", minutes(0));
        let runs = queue(&[("7", AllocationState::Running(Duration::ZERO))]);
        for hour in [1, 2] {
            let now = Duration::from_hours(hour);
            assert_eq!(
                look(&mut memory, now, &[], Some(Seen::Busy), None),
                runs,
                "another cluster's queue"
            );
        }
        let now = Duration::from_hours(3);
        let left = look(&mut memory, now, &[], Some(Seen::Left), None);
        assert_eq!(left, queue(&[("7", AllocationState::LEFT)]));

        let mut memory = Memory::default();
        memory.asked("7", minutes(0));
        assert_eq!(
            look(&mut memory, minutes(1), &[], None, Some(DONE)),
            queue(&[("7", DONE)])
        );
        memory.asked("7", minutes(2));
        assert_eq!(
            look(
                &mut memory,
                minutes(60),
                &[],
                None,
                Some(AllocationState::Waiting)
            ),
            queue(&[("7", AllocationState::Waiting)])
        );
    }

    #[test]
    fn an_array_is_its_elements_once_they_are_listed() {
        let mut memory = Memory::default();
        memory.asked("7", minutes(0));
        let elements = [
            ("7_0", AllocationState::Waiting),
            ("7_1", AllocationState::Waiting),
        ];
        assert_eq!(
            look(&mut memory, minutes(1), &elements, None, None),
            queue(&elements)
        );
        assert!(!is_listed("7", &queue(&[("77", AllocationState::Waiting)])));
    }
}
