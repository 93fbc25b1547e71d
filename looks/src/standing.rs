//! Where a claim stands after the looks so far.

use crate::arm::Arm;
use crate::e_process::{EProcess, Side};
use crate::holm::holm;
use crate::look::{Look, Verdict};
use crate::planning_interval::{PlanningInterval, planning_interval};
use crate::settings::Family;

/// A claim between two looks.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Differences over the complete prefix, looked at or not.
    pub(crate) differences: Vec<f64>,
    /// How many of them were looked at.
    pub(crate) looked: usize,
    pub(crate) process: EProcess,
    pub(crate) verdict: Verdict,
}

impl Standing {
    /// Looks at the next seed; the first look takes the first `min`.
    pub(crate) fn look(&mut self, min: usize) -> bool {
        self.look_up_to((self.looked + 1).max(min))
    }

    /// Looks at the first so many seeds, if all of them are there and no fewer than were looked at.
    pub(crate) fn look_up_to(&mut self, seeds: usize) -> bool {
        let Some(seen) = self.differences.get(self.looked..seeds) else {
            return false;
        };
        for difference in seen {
            // They were made finite.
            let _ = self.process.push(*difference);
        }
        self.looked = seeds;
        true
    }

    pub(crate) fn seen(&self) -> &[f64] {
        &self.differences[..self.looked]
    }

    pub(crate) fn interval(&self, alpha: f64) -> Option<PlanningInterval> {
        planning_interval(self.seen(), alpha)
    }

    pub(crate) fn p(&self) -> Option<f64> {
        (self.looked > 0).then(|| self.process.p())
    }
}

/// Every claim after the looks so far.
pub(crate) fn standings(family: &Family, arms: &[Arm], looks: &[Look]) -> Vec<Standing> {
    let nothing = Arm::default();
    let arm = |index: u32| arms.get(index as usize).unwrap_or(&nothing);
    let mut standings: Vec<Standing> = family
        .claims
        .iter()
        .map(|claim| Standing {
            differences: arm(claim.left).minus(arm(claim.right)),
            looked: 0,
            process: EProcess::default(),
            verdict: Verdict::Undecided,
        })
        .collect();
    for look in looks {
        if let Some(standing) = standings.get_mut(look.claim as usize) {
            standing.look_up_to(look.seeds as usize);
            standing.verdict = look.verdict;
        }
    }
    standings
}

/// p after Holm's adjustment in the family, of the claims that were looked at.
pub(crate) fn adjusted(family: &Family, standings: &[Standing]) -> Vec<Option<f64>> {
    let p: Vec<Option<f64>> = standings.iter().map(Standing::p).collect();
    holm(&p, family.size())
}

/// What the evidence says of a claim; `p` is adjusted.
pub(crate) fn judge(family: &Family, standing: &Standing, p: Option<f64>) -> Verdict {
    let settings = &family.settings;
    if p.is_some_and(|p| p <= settings.alpha) {
        match standing.process.best_side() {
            Side::Left => return Verdict::Holds,
            Side::Right => return Verdict::Fails,
            Side::Neither => {}
        }
    }
    let interval = standing.interval(settings.alpha);
    if interval.is_some_and(|interval| interval.is_within(settings.margin)) {
        return Verdict::Equal;
    }
    Verdict::Undecided
}
