//! How long a sweep may wait behind others of its priority.
//!
//! A worker rather takes jobs whose data set it has in memory, which is faster for everybody, and sweeps that have fewer running
//! jobs. Alone, either could make another sweep of the same priority wait for ever. So it is counted how often a sweep was passed
//! over, and one that was passed over often enough is next.

use std::collections::BTreeMap;

/// So often a sweep is passed over in favour of each other sweep of its priority. A cold data set is loaded in seconds, a job
/// trains for minutes.
const PASSES: u32 = 4;

/// How often each sweep that waits was passed over since it last got a lease. A restart forgets it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fairness {
    passed_over: BTreeMap<u32, u32>,
}

impl Fairness {
    /// How often a sweep may be passed over where so many of its priority, itself among them, could be served.
    pub(super) fn bound(rivals: usize) -> u32 {
        PASSES.saturating_mul(u32::try_from(rivals.saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// How often a sweep was passed over.
    pub(super) fn passed_over(&self, sweep: u32) -> u32 {
        self.passed_over.get(&sweep).copied().unwrap_or_default()
    }

    /// Of these sweeps of one priority, which one worker could serve now, the one that must be next.
    pub(super) fn overdue(&self, rivals: &[u32]) -> Option<u32> {
        // Several may be due together, and the last of them waits for the others.
        let others = u32::try_from(rivals.len().saturating_sub(2)).unwrap_or(u32::MAX);
        let bound = Self::bound(rivals.len()).saturating_sub(others);
        rivals
            .iter()
            .copied()
            .max_by_key(|sweep| (self.passed_over(*sweep), std::cmp::Reverse(*sweep)))
            .filter(|sweep| rivals.len() > 1 && self.passed_over(*sweep) >= bound)
    }

    /// One of these sweeps got a lease, the others did not.
    pub(super) fn served(&mut self, served: u32, rivals: &[u32]) {
        self.passed_over.remove(&served);
        for rival in rivals.iter().filter(|rival| **rival != served) {
            let times = self.passed_over.entry(*rival).or_default();
            *times = times.saturating_add(1);
        }
    }

    /// Forgets the sweeps that have nothing waiting any more.
    pub(super) fn keep(&mut self, waits: impl Fn(u32) -> bool) {
        self.passed_over.retain(|sweep, _| waits(*sweep));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_passed_over_more_often_than_the_bound() {
        for count in 2..20_u32 {
            let rivals: Vec<u32> = (0..count).collect();
            let mut fairness = Fairness::default();
            let mut waited = vec![0; count as usize];
            for _ in 0..1000 {
                // Whoever likes nothing but the first sweep.
                let served = fairness.overdue(&rivals).unwrap_or(0);
                fairness.served(served, &rivals);
                for (rival, waited) in waited.iter_mut().enumerate() {
                    *waited = if rival == served as usize {
                        0
                    } else {
                        *waited + 1
                    };
                    // At the bound all the others may be due as well, and go first.
                    assert!(
                        *waited <= Fairness::bound(rivals.len()) + count,
                        "{rivals:?}"
                    );
                }
            }
        }
    }
}
