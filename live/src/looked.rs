//! The looks at the claims of a sweep, and when each was taken.

use looks::{Look, Verdict};
use proto::nouns::Timestamp;
use serde::Serialize;

/// Looks in the order in which they were taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked(Vec<(Timestamp, Look)>);

/// Where a claim stood after the looks up to some time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClaimThen {
    seeds: u32,
    log_e: f64,
    verdict: Verdict,
    /// After how many seeds it was decided.
    decided_after: Option<u32>,
}

impl Looked {
    /// Takes over those that are new; `all` there are by now.
    pub fn hear(&mut self, all: &[Look], now: Timestamp) {
        if all.len() < self.0.len() {
            // Another version of the sweep, with claims of its own.
            self.0.clear();
        }
        let new = &all[self.0.len()..];
        self.0.extend(new.iter().map(|look| (now, *look)));
    }

    /// The same of those that were taken before anybody listened: `times` are of the last of them, and the others were earlier.
    pub fn begin(&mut self, all: &[Look]) {
        self.0 = all.iter().map(|look| (Timestamp(0), *look)).collect();
    }

    /// Says when the looks before `begin` were taken.
    pub fn remember(&mut self, times: &[Timestamp], begin: Timestamp) {
        let unknown = self.0.iter().take_while(|(at, _)| at.0 == 0).count();
        let known = times.iter().rev().filter(|at| at.0 <= begin.0);
        for ((at, _), known) in self.0[..unknown].iter_mut().rev().zip(known) {
            *at = *known;
        }
    }

    /// By claim, where it stood at that time; `None` before its first look.
    pub(crate) fn at(&self, at: Timestamp) -> Vec<Option<ClaimThen>> {
        let mut claims: Vec<Option<ClaimThen>> = Vec::new();
        for (_, look) in self.0.iter().take_while(|(taken, _)| taken.0 <= at.0) {
            let place = look.claim as usize;
            if claims.len() <= place {
                claims.resize(place + 1, None);
            }
            let before = claims[place].take();
            let decided = before.filter(|before| before.verdict.is_decided());
            claims[place] = Some(decided.unwrap_or(ClaimThen {
                seeds: look.seeds,
                log_e: look.log_e,
                verdict: look.verdict,
                decided_after: look.verdict.is_decided().then_some(look.seeds),
            }));
        }
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(claim: u32, seeds: u32, verdict: Verdict) -> Look {
        Look {
            step: seeds,
            claim,
            seeds,
            log_e: f64::from(seeds),
            verdict,
        }
    }

    #[test]
    fn a_claim_stood_where_the_looks_until_then_had_put_it() {
        let all = [
            look(0, 3, Verdict::Undecided),
            look(1, 3, Verdict::Undecided),
            look(0, 4, Verdict::Holds),
            look(1, 4, Verdict::Undecided),
        ];
        let mut looked = Looked::default();
        looked.begin(&all[..3]);
        // The journal tells when the last two of them were taken, and one that was taken since.
        let times = [20, 30, 50].map(Timestamp);
        looked.remember(&times, Timestamp(40));
        looked.hear(&all, Timestamp(51));
        let seeds = |at: u64| -> Vec<_> {
            let claims = looked.at(Timestamp(at));
            claims
                .iter()
                .map(|then| then.as_ref().map(|then| (then.seeds, then.decided_after)))
                .collect()
        };
        // Of the first it is known alone that it was before.
        assert_eq!(seeds(10), [Some((3, None))]);
        assert_eq!(seeds(20), [Some((3, None)), Some((3, None))]);
        assert_eq!(seeds(30), [Some((4, Some(4))), Some((3, None))]);
        assert_eq!(seeds(51)[1], Some((4, None)));
        // Another version of the sweep.
        looked.hear(&all[..1], Timestamp(60));
        assert_eq!(looked.at(Timestamp(60)).len(), 1);
        assert!(looked.at(Timestamp(59)).is_empty());
    }
}
