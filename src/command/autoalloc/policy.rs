//! How many allocations there should be: pure, so that weeks of a cluster can be tried in a test.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The first wait after an allocation that failed at once; it doubles with each one that follows.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait: half an hour, so that a cluster that was mended over lunch is found again.
const LONGEST_WAIT: Duration = Duration::from_mins(30);

/// What the admin wants.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Allocations to keep without work.
    pub min: u32,
    /// Most allocations, waiting ones included.
    pub max: u32,
    /// Unsettled jobs for each allocation.
    pub jobs_per_worker: u32,
    /// A worker without a job for that long goes home.
    pub idle_after: Duration,
    /// An allocation that ended that soon, before its worker said hello, failed.
    pub fails_within: Duration,
}

/// Where an allocation stands in the cluster's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationState {
    /// Waits for a node.
    Waiting,
    /// Has its node for that long.
    Running(Duration),
    /// Is over after that time on its node; the cluster does not call it a success if `failed`.
    Ended {
        /// Time on the node.
        ran: Duration,
        /// Failed, by the cluster's word.
        failed: bool,
    },
}

impl AllocationState {
    /// It was asked for and nobody knows of it any more.
    pub const VANISHED: Self = Self::Ended {
        ran: Duration::ZERO,
        failed: true,
    };
    /// Its worker went home, and nobody knows of it any more.
    pub const LEFT: Self = Self::Ended {
        ran: Duration::MAX,
        failed: false,
    };
}

/// What the coordinator knows of an allocation's worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// It was here, and left.
    Left,
    /// It has no job.
    Idle,
    /// It trains.
    Busy,
}

/// An allocation as both queues show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The cluster's id.
    pub id: String,
    /// Where it stands.
    pub state: AllocationState,
    /// Its worker, once it said hello.
    pub worker: Option<Seen>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask for that many allocations.
    Start(u32),
    /// Take one that waits out of the queue: there is no work for it any more.
    Withdraw(String),
    /// Send an idle worker home.
    Release(String),
}

/// What is remembered of workers and ends between two looks.
#[derive(Debug, Default)]
pub struct Allocator {
    /// Whether it has looked before: what had ended by then is an earlier run's story.
    looked: bool,
    /// Since when a worker has had no job.
    idle_since: BTreeMap<String, Duration>,
    /// Allocations whose worker was seen: their end is no failure to start.
    joined: BTreeSet<String>,
    /// Ended allocations that were counted.
    counted: BTreeSet<String>,
    /// Allocations told to go: not told again, and their end is nobody's fault.
    told: BTreeSet<String>,
    failures: u32,
    not_before: Duration,
}

impl Allocator {
    /// What to do now. `now` is any clock that only grows; `unsettled` the jobs that wait or run in sweeps that are not paused.
    pub fn step(
        &mut self,
        policy: &Policy,
        now: Duration,
        unsettled: u64,
        allocations: &[Allocation],
    ) -> Vec<Action> {
        self.learn(policy, now, allocations);
        let live: Vec<&Allocation> = allocations
            .iter()
            .filter(|one| !matches!(one.state, AllocationState::Ended { .. }))
            .filter(|one| !self.told.contains(&one.id))
            .collect();
        let wanted = unsettled
            .div_ceil(u64::from(policy.jobs_per_worker.max(1)))
            .clamp(u64::from(policy.min), u64::from(policy.max)) as usize;
        let mut actions = Vec::new();
        if live.len() < wanted {
            if now >= self.not_before {
                // After failures one at a time: the next one tells whether the cluster is well again.
                let missing = (wanted - live.len()) as u32;
                actions.push(Action::Start(if self.failures > 0 { 1 } else { missing }));
                if self.failures > 0 {
                    self.not_before = now + self.wait();
                }
            }
            return actions;
        }
        let mut surplus = live.len() - wanted;
        // Those that wait cost nobody anything yet: they go first.
        for one in live
            .iter()
            .filter(|one| one.state == AllocationState::Waiting)
        {
            if surplus == 0 {
                break;
            }
            surplus -= 1;
            self.told.insert(one.id.clone());
            actions.push(Action::Withdraw(one.id.clone()));
        }
        for one in &live {
            let idle = self
                .idle_since
                .get(&one.id)
                .is_some_and(|since| now.saturating_sub(*since) >= policy.idle_after);
            if surplus > 0 && idle {
                surplus -= 1;
                self.told.insert(one.id.clone());
                actions.push(Action::Release(one.id.clone()));
            }
        }
        actions
    }

    /// How long nothing is started, if it is so.
    pub fn backs_off_until(&self, now: Duration) -> Option<Duration> {
        (self.failures > 0 && now < self.not_before).then_some(self.not_before)
    }

    /// An attempt to start failed before the cluster gave an id (`sbatch` refused).
    pub fn start_failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + self.wait();
    }

    fn wait(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
    }

    fn learn(&mut self, policy: &Policy, now: Duration, allocations: &[Allocation]) {
        for one in allocations {
            match one.worker {
                Some(Seen::Busy | Seen::Left) => {
                    self.idle_since.remove(&one.id);
                }
                Some(Seen::Idle) => {
                    self.idle_since.entry(one.id.clone()).or_insert(now);
                }
                None => {}
            }
            if one.worker.is_some() && self.joined.insert(one.id.clone()) {
                self.failures = 0;
                self.not_before = Duration::ZERO;
            }
            if let AllocationState::Ended { ran, failed } = one.state
                && self.counted.insert(one.id.clone())
            {
                let never_joined = !self.joined.contains(&one.id);
                let at_once = ran <= policy.fails_within;
                if self.looked
                    && never_joined
                    && !self.told.contains(&one.id)
                    && (failed || at_once)
                {
                    self.start_failed(now);
                }
            }
        }
        self.looked = true;
        // What the cluster has forgotten is forgotten here.
        let known = |id: &String| allocations.iter().any(|one| one.id == *id);
        for memory in [&mut self.joined, &mut self.counted, &mut self.told] {
            memory.retain(known);
        }
        self.idle_since.retain(|id, _| known(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            min: 0,
            max: 4,
            jobs_per_worker: 1,
            idle_after: Duration::from_mins(5),
            fails_within: Duration::from_mins(1),
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn one(id: &str, state: AllocationState, worker: Option<Seen>) -> Allocation {
        Allocation {
            id: id.to_owned(),
            state,
            worker,
        }
    }

    fn running(id: &str, worker: Option<Seen>) -> Allocation {
        one(id, AllocationState::Running(seconds(10)), worker)
    }

    #[test]
    fn as_many_as_there_is_work_for_between_min_and_max() {
        let mut allocator = Allocator::default();
        let none = Vec::<Action>::new();
        assert_eq!(allocator.step(&policy(), seconds(0), 0, &[]), none);
        assert_eq!(
            allocator.step(&policy(), seconds(0), 3, &[]),
            [Action::Start(3)]
        );
        assert_eq!(
            allocator.step(&policy(), seconds(0), 100, &[running("1", None)]),
            [Action::Start(3)]
        );
        let kept = Policy { min: 2, ..policy() };
        assert_eq!(
            allocator.step(&kept, seconds(0), 0, &[]),
            [Action::Start(2)]
        );
        let few = Policy {
            jobs_per_worker: 10,
            ..policy()
        };
        assert_eq!(
            allocator.step(&few, seconds(0), 11, &[]),
            [Action::Start(2)]
        );
    }

    #[test]
    fn what_waits_is_withdrawn_first_and_what_is_idle_released_later() {
        let mut allocator = Allocator::default();
        let now = [
            one("1", AllocationState::Waiting, None),
            running("2", Some(Seen::Idle)),
            running("3", Some(Seen::Busy)),
        ];
        assert_eq!(
            allocator.step(&policy(), seconds(0), 1, &now),
            [Action::Withdraw("1".into())]
        );
        assert_eq!(
            allocator.step(&policy(), seconds(299), 1, &now[1..]),
            Vec::<Action>::new()
        );
        assert_eq!(
            allocator.step(&policy(), seconds(300), 1, &now[1..]),
            [Action::Release("2".into())]
        );
        // Told once, and the one that trains is never told.
        assert_eq!(
            allocator.step(&policy(), seconds(900), 0, &now[1..]),
            Vec::<Action>::new()
        );
    }

    #[test]
    fn a_job_in_between_starts_the_idle_time_anew() {
        let mut allocator = Allocator::default();
        let idle = [running("1", Some(Seen::Idle))];
        let busy = [running("1", Some(Seen::Busy))];
        allocator.step(&policy(), seconds(0), 0, &idle);
        allocator.step(&policy(), seconds(200), 1, &busy);
        allocator.step(&policy(), seconds(250), 0, &idle);
        let none = Vec::<Action>::new();
        assert_eq!(allocator.step(&policy(), seconds(400), 0, &idle), none);
        assert_eq!(
            allocator.step(&policy(), seconds(550), 0, &idle),
            [Action::Release("1".into())]
        );
    }

    #[test]
    fn allocations_that_fail_at_once_are_asked_for_less_and_less_often() {
        let mut allocator = Allocator::default();
        let mut starts = Vec::new();
        let mut ended: Vec<Allocation> = Vec::new();
        let mut next = 0;
        for now in (0..7200).step_by(10) {
            for action in allocator.step(&policy(), seconds(now), 4, &ended) {
                if let Action::Start(count) = action {
                    for _ in 0..count {
                        next += 1;
                        ended.push(one(
                            &next.to_string(),
                            AllocationState::Ended {
                                ran: seconds(1),
                                failed: true,
                            },
                            None,
                        ));
                    }
                    starts.push((now, count));
                }
            }
        }
        assert_eq!(starts[0], (0, 4));
        assert!(
            starts[1..].iter().all(|(_, count)| *count == 1),
            "{starts:?}"
        );
        assert!(starts.len() < 12, "{starts:?}");
        // A worker that says hello ends it.
        ended.push(running("well", Some(Seen::Busy)));
        assert_eq!(
            allocator.step(&policy(), seconds(7200), 4, &ended),
            [Action::Start(3)]
        );
    }

    #[test]
    fn what_ended_before_the_first_look_and_workers_that_came_and_left_are_no_failures() {
        let mut allocator = Allocator::default();
        let ended = AllocationState::Ended {
            ran: seconds(5),
            failed: false,
        };
        let mut now = vec![one("1", ended, None)];
        assert_eq!(
            allocator.step(&policy(), seconds(0), 2, &now),
            [Action::Start(2)]
        );
        // Its worker came and left between two looks.
        now.push(one("2", ended, Some(Seen::Left)));
        assert_eq!(
            allocator.step(&policy(), seconds(10), 2, &now),
            [Action::Start(2)]
        );
        now.push(one("3", ended, None));
        assert_eq!(allocator.step(&policy(), seconds(20), 2, &now), []);
    }

    #[test]
    fn the_end_of_a_worker_that_was_sent_home_is_no_failure() {
        let mut allocator = Allocator::default();
        allocator.step(
            &policy(),
            seconds(0),
            0,
            &[one("1", AllocationState::Waiting, None)],
        );
        let ended = AllocationState::Ended {
            ran: seconds(0),
            failed: true,
        };
        assert_eq!(
            allocator.step(&policy(), seconds(10), 2, &[one("1", ended, None)]),
            [Action::Start(2)]
        );
    }
}
