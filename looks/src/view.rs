//! Where the claims of a sweep stand, as plain data: for tables, pages and programs.

use serde::{Deserialize, Serialize};

use crate::arm::{Arm, Seed};
use crate::look::{Look, Verdict};
use crate::planning_interval::PlanningInterval;
use crate::settings::{Family, Settings};
use crate::standing::{adjusted, standings};

/// What a claim says, in the words of its sweep file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimText {
    /// The variant that is said to be above.
    pub left: String,
    /// The variant that it is compared with.
    pub right: String,
    /// Where: swept parameters with their values, as tables show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<(String, String)>,
}

impl std::fmt::Display for ClaimText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} > {}", self.left, self.right)?;
        for (position, (name, value)) in self.place.iter().enumerate() {
            let before = if position == 0 { " where" } else { "," };
            write!(formatter, "{before} {name} = {value}")?;
        }
        Ok(())
    }
}

/// What is left to do for a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimState {
    /// Seeds are awaited or will be added.
    Open,
    /// It is decided.
    Decided,
    /// It has the most seeds that it may have, and is not decided.
    AtMax,
    /// A seed has no result: without it no seed after it counts.
    Lost,
    /// The sweep adds no seeds, and those that it has do not decide.
    Stopped,
}

/// A claim after the looks so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimView {
    /// What it says.
    pub claim: ClaimText,
    /// Seeds that were looked at: the first so many, complete on both sides.
    pub seeds: u32,
    /// Their mean difference, left − right.
    pub difference: Option<f64>,
    /// The interval to plan with, valid however often somebody looks; `None` is the whole line.
    pub interval: Option<PlanningInterval>,
    /// ln E: the evidence against "both alike".
    pub log_e: f64,
    /// The largest ln E so far, which p is made of.
    pub best_log_e: f64,
    /// ln of the E that would decide it now, given what is decided of the others.
    pub log_bound: f64,
    /// min(1, 1/max E).
    pub p: f64,
    /// p after Holm's adjustment in the family.
    pub p_adjusted: f64,
    /// What is decided.
    pub verdict: Verdict,
    /// After how many seeds that was.
    pub decided_after: Option<u32>,
    /// How many seeds more it may take, by what the seeds so far say; `None` where they say nothing, or nothing is left to do.
    pub needed: Option<u32>,
    /// What is left to do.
    pub state: ClaimState,
    /// The position of the first seed without a result, where the state is that.
    pub lost_seed: Option<u32>,
}

/// The claims of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimsView {
    /// What they are held to.
    pub settings: Settings,
    /// The digest of claims and settings, fixed before the first seed.
    pub identity: String,
    /// Whether seeds are added for undecided claims.
    pub grows: bool,
    /// The claims, in the order of the file; Holm's family.
    pub claims: Vec<ClaimView>,
    /// Every look so far, in the order in which they were taken.
    pub looks: Vec<Look>,
}

impl ClaimsView {
    /// How many are decided.
    pub fn decided(&self) -> usize {
        let decided = |claim: &&ClaimView| claim.verdict.is_decided();
        self.claims.iter().filter(decided).count()
    }

    /// Whether nothing is left to do for any.
    pub fn is_settled(&self) -> bool {
        self.claims
            .iter()
            .all(|claim| claim.state != ClaimState::Open)
    }
}

/// Where each claim stands; `texts` are theirs, in the order of the family.
pub fn views(
    family: &Family,
    texts: &[ClaimText],
    arms: &[Arm],
    looks: &[Look],
    grows: bool,
) -> Vec<ClaimView> {
    let settings = &family.settings;
    let standings = standings(family, arms, looks);
    let p_values = adjusted(family, &standings);
    let rejected = p_values
        .iter()
        .filter(|p| p.is_some_and(|p| p <= settings.alpha))
        .count();
    let bound = family.size().saturating_sub(rejected).max(1) as f64 / settings.alpha;
    let log_bound = libm::log(bound);
    let mut views = Vec::new();
    for (index, standing) in standings.iter().enumerate() {
        let claim = family.claims[index];
        let seen = standing.seen();
        let decided_after = looks
            .iter()
            .find(|look| look.claim as usize == index && look.verdict.is_decided())
            .map(|look| look.seeds);
        let sides = [claim.left, claim.right].map(|side| arms.get(side as usize));
        let awaited = sides.iter().any(|arm| arm.is_none_or(Arm::is_waiting));
        let given = sides.iter().flatten().map(|arm| arm.seeds.len()).min();
        let lost_seed = sides
            .iter()
            .flatten()
            .filter_map(|arm| arm.seeds.iter().position(|seed| *seed == Seed::Lost))
            .min()
            .filter(|lost| Some(*lost) < given && *lost <= standing.differences.len());
        let state = if standing.verdict.is_decided() {
            ClaimState::Decided
        } else if standing.looked >= settings.max as usize {
            ClaimState::AtMax
        } else if awaited {
            ClaimState::Open
        } else if lost_seed.is_some() {
            ClaimState::Lost
        } else if grows {
            ClaimState::Open
        } else {
            ClaimState::Stopped
        };
        let growth = standing.process.expected_growth(seen);
        let missing = log_bound - standing.process.log_e();
        let is_over = matches!(state, ClaimState::Decided | ClaimState::AtMax);
        let needed = (!is_over && growth > 0.0 && missing > 0.0)
            .then(|| (missing / growth).ceil())
            .map(|seeds| seeds.clamp(1.0, 1e9) as u32);
        views.push(ClaimView {
            claim: texts.get(index).cloned().unwrap_or_default(),
            seeds: standing.looked as u32,
            difference: (!seen.is_empty()).then(|| seen.iter().sum::<f64>() / seen.len() as f64),
            interval: standing.interval(settings.alpha),
            log_e: standing.process.log_e(),
            best_log_e: standing.process.best_log_e(),
            log_bound,
            p: standing.process.p(),
            p_adjusted: p_values[index].unwrap_or(1.0),
            verdict: standing.verdict,
            decided_after,
            needed,
            state,
            lost_seed: lost_seed
                .filter(|_| state == ClaimState::Lost)
                .map(|seed| seed as u32),
        });
    }
    views
}
