//! Rates over the last seconds, from counts that only grow. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use proto::telemetry::Telemetry;
use tokio::time::Instant;

/// Looks that are kept: rates are over the time from the oldest to the newest.
const LOOKS: usize = 6;

/// How busy the device is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Busy {
    /// Time that it computed since the process began, over all threads.
    Time(Duration),
    /// What it says itself of the last moment.
    Percent(u32),
    Unknown,
}

/// What was seen at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) busy: Busy,
    /// Batches so far.
    pub(super) batches: u64,
    /// Time in which jobs waited for data, so far.
    pub(super) waited: Duration,
}

/// The last looks.
pub(super) struct Window {
    moments: VecDeque<Moment>,
    threads: usize,
}

impl Window {
    /// Of a device whose time passes on so many threads at once.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            moments: VecDeque::with_capacity(LOOKS),
            threads: threads.max(1),
        }
    }

    /// Another look; answers the rates.
    pub(super) fn push(&mut self, moment: Moment, memory_used_bytes: Option<u64>) -> Telemetry {
        if self.moments.len() == LOOKS {
            self.moments.pop_front();
        }
        self.moments.push_back(moment);
        let first = self.moments[0];
        let seconds = (moment.at - first.at).as_secs_f64();
        let memory = Telemetry {
            memory_used_bytes,
            ..Telemetry::default()
        };
        if seconds <= 0.0 {
            return memory;
        }
        Telemetry {
            busy_percent: self.busy(first, moment, seconds),
            batches_per_second: Some(moment.batches.saturating_sub(first.batches) as f64 / seconds),
            data_wait_percent: Some(percent(
                moment.waited.saturating_sub(first.waited).as_secs_f64() / seconds,
            )),
            ..memory
        }
    }

    fn busy(&self, first: Moment, last: Moment, seconds: f64) -> Option<u32> {
        if let (Busy::Time(before), Busy::Time(after)) = (first.busy, last.busy) {
            let spent = after.saturating_sub(before).as_secs_f64();
            return Some(percent(spent / (seconds * self.threads as f64)));
        }
        let said: Vec<f64> = self
            .moments
            .iter()
            .filter_map(|moment| match moment.busy {
                Busy::Percent(percent) => Some(f64::from(percent) / 100.0),
                Busy::Time(_) | Busy::Unknown => None,
            })
            .collect();
        (!said.is_empty()).then(|| percent(said.iter().sum::<f64>() / said.len() as f64))
    }
}

fn percent(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(threads: usize, each: impl Fn(u32) -> Moment, count: u32) -> Telemetry {
        let mut window = Window::new(threads);
        (0..count)
            .map(|index| window.push(each(index), Some(5)))
            .last()
            .unwrap()
    }

    #[test]
    fn rates_are_over_the_last_looks_alone() {
        let begin = Instant::now();
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        // Idle for 20 looks, then 40 batches a look with half of the time on data.
        let at = |index: u32| {
            let busy = index.saturating_sub(20);
            Moment {
                at: begin + seconds(2 * index),
                busy: Busy::Time(seconds(3 * busy)),
                batches: 40 * u64::from(busy),
                waited: seconds(busy),
            }
        };
        let nothing = looks(2, at, 10);
        assert_eq!(
            nothing,
            Telemetry {
                busy_percent: Some(0),
                memory_used_bytes: Some(5),
                batches_per_second: Some(0.0),
                data_wait_percent: Some(0),
            }
        );
        let full = looks(2, at, 30);
        assert_eq!(
            full,
            Telemetry {
                busy_percent: Some(75),
                memory_used_bytes: Some(5),
                batches_per_second: Some(20.0),
                data_wait_percent: Some(50),
            }
        );
    }

    #[test]
    fn one_look_and_a_device_that_says_nothing_give_no_numbers() {
        let begin = Instant::now();
        let at = |busy| {
            move |index: u32| Moment {
                at: begin + Duration::from_secs(index.into()),
                busy,
                batches: 0,
                waited: Duration::ZERO,
            }
        };
        let only = looks(1, at(Busy::Percent(50)), 1);
        assert_eq!(only.batches_per_second, None);
        assert_eq!(looks(1, at(Busy::Unknown), 3).busy_percent, None);
        assert_eq!(looks(1, at(Busy::Percent(50)), 3).busy_percent, Some(50));
        // A device that claims too much is not believed.
        assert_eq!(looks(1, at(Busy::Percent(900)), 3).busy_percent, Some(100));
    }
}
