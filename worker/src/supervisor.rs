//! One process per GPU: which of them to start, when to start one again, and when all is over.
//!
//! Pure: no clock, no process. `step` takes what happened and when, and answers what to do; the binary does it.

use std::time::Duration;

/// When a worker process is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The first wait; it doubles with every short life.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// A process that lived so long was well: the count of short lives begins anew.
    pub long_life: Duration,
    /// After so many short lives in a row a device is given up.
    pub most_short_lives: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            long_life: Duration::from_mins(1),
            most_short_lives: 8,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As it should: idle for long enough, drained, its jobs done.
    Well,
    /// By a fault that another start does not heal: a wrong command line, a damaged data set. With its exit code.
    Hopeless(u8),
    /// In any other way, with its exit code where it had one.
    Crashed(Option<u8>),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is time to look.
    Tick,
    /// That process ended.
    Ended(usize, End),
    /// All shall stop.
    Stop,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Start that process.
    Start(usize),
    /// Ask that process to stop at its next batch boundary.
    AskToStop(usize),
    /// That one is started again after a while.
    WillStart(usize, Duration),
    /// That one is not started again.
    GivenUp(usize),
    /// Nothing runs and nothing will: exit with this code.
    Exit(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProcessState {
    Running { since: Duration },
    Waiting { until: Duration },
    Over(u8),
}

/// The processes of this host.
#[derive(Debug)]
pub struct Supervisor {
    policy: Policy,
    children: Vec<(ProcessState, u32)>,
    stopping: bool,
}

impl Supervisor {
    /// For so many devices; all are due at once.
    pub fn new(policy: Policy, devices: usize) -> Self {
        let due = ProcessState::Waiting {
            until: Duration::ZERO,
        };
        Self {
            policy,
            children: vec![(due, 0); devices],
            stopping: false,
        }
    }

    /// What happened at `now`, and what to do about it.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Tick => {}
            Event::Ended(child, end) => effects.extend(self.ended(now, child, end)),
            Event::Stop => {
                self.stopping = true;
                for (child, (state, _)) in self.children.iter_mut().enumerate() {
                    match state {
                        ProcessState::Running { .. } => effects.push(Effect::AskToStop(child)),
                        ProcessState::Waiting { .. } => *state = ProcessState::Over(0),
                        ProcessState::Over(_) => {}
                    }
                }
            }
        }
        for (child, (state, _)) in self.children.iter_mut().enumerate() {
            if matches!(state, ProcessState::Waiting { until } if *until <= now) {
                *state = ProcessState::Running { since: now };
                effects.push(Effect::Start(child));
            }
        }
        if let Some(code) = self.code() {
            effects.push(Effect::Exit(code));
        }
        effects
    }

    /// When to look again, if nothing happens before.
    pub fn due(&self) -> Option<Duration> {
        self.children
            .iter()
            .filter_map(|(state, _)| match state {
                ProcessState::Waiting { until } => Some(*until),
                _ => None,
            })
            .min()
    }

    fn ended(&mut self, now: Duration, child: usize, end: End) -> Option<Effect> {
        let (state, short_lives) = self.children.get_mut(child)?;
        let ProcessState::Running { since } = *state else {
            return None;
        };
        match end {
            // Whatever became of it: it was told to go, and it went.
            _ if self.stopping => {
                *state = ProcessState::Over(0);
                None
            }
            End::Well => {
                *state = ProcessState::Over(0);
                None
            }
            End::Hopeless(code) => {
                *state = ProcessState::Over(code);
                Some(Effect::GivenUp(child))
            }
            End::Crashed(code) => {
                *short_lives = if now.saturating_sub(since) >= self.policy.long_life {
                    1
                } else {
                    *short_lives + 1
                };
                if *short_lives >= self.policy.most_short_lives {
                    *state = ProcessState::Over(code.unwrap_or(1));
                    return Some(Effect::GivenUp(child));
                }
                let doubled = 1_u32 << (*short_lives - 1).min(16);
                let wait = (self.policy.first_wait * doubled).min(self.policy.longest_wait);
                *state = ProcessState::Waiting { until: now + wait };
                Some(Effect::WillStart(child, wait))
            }
        }
    }

    /// The first code that is not 0, once all is over.
    fn code(&self) -> Option<u8> {
        let codes: Option<Vec<u8>> = self
            .children
            .iter()
            .map(|(state, _)| match state {
                ProcessState::Over(code) => Some(*code),
                _ => None,
            })
            .collect();
        let codes = codes?;
        Some(codes.into_iter().find(|code| *code != 0).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests;
