//! What follows from the results so far: looks at the claims, and the seeds that come next.
//!
//! Everything here is a function of the recorded numbers by seed. A round begins when every seed that was given to an
//! undecided claim has ended, so that who ran what, when and on how many workers changes neither seeds nor verdicts.

use std::collections::BTreeMap;

use crate::arm::{Arm, Seed};
use crate::look::{Look, Verdict};
use crate::settings::{Claim, Family};
use crate::standing::{Standing, adjusted, judge, standings};

/// What a round decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Round {
    /// The looks, in their order.
    pub looks: Vec<Look>,
    /// Arms that get more seeds: position, and how many seeds they have then.
    pub seeds: BTreeMap<u32, u32>,
}

/// A sweep, worked out again from its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Every look.
    pub looks: Vec<Look>,
    /// How many seeds each arm is given.
    pub seeds: Vec<usize>,
}

impl Family {
    /// The looks that are due, and the seeds that come next; `None` where seeds are still awaited, or nothing is left to say.
    /// `grows`: whether seeds may be added at all.
    pub fn next(&self, arms: &[Arm], looks: &[Look], grows: bool) -> Option<Round> {
        if !self.may_go_on(looks, |arm| {
            arms.get(arm as usize).is_none_or(Arm::is_waiting)
        }) {
            return None;
        }
        let mut standings = standings(self, arms, looks);
        let steps = looks.last().map_or(0, |look| look.step);
        let looks = self.look(&mut standings, steps);
        let seeds = if grows {
            self.next_seeds(arms, &standings)
        } else {
            BTreeMap::new()
        };
        (!looks.is_empty() || !seeds.is_empty()).then_some(Round { looks, seeds })
    }

    /// Every look of a sweep that adds seeds, worked out again from its numbers: what a journal must hold. Numbers of seeds that were
    /// never given are not looked at.
    pub fn replay(&self, arms: &[Arm]) -> Replay {
        let begin = self.settings.min as usize;
        let mut given: Vec<usize> = vec![begin; arms.len()];
        let mut looks = Vec::new();
        loop {
            let shown: Vec<Arm> = arms
                .iter()
                .zip(&given)
                .map(|(arm, given)| {
                    let mut seeds = arm.seeds.clone();
                    // Seeds that nobody has seen are still to come.
                    seeds.resize(*given, Seed::Waiting);
                    Arm { seeds, ..*arm }
                })
                .collect();
            let Some(round) = self.next(&shown, &looks, true) else {
                return Replay {
                    looks,
                    seeds: given,
                };
            };
            looks.extend(round.looks);
            for (arm, seeds) in &round.seeds {
                given[*arm as usize] = *seeds as usize;
            }
        }
    }

    /// Whether a round may be due: some claim is undecided and may have more seeds, and none of these awaits a seed of an arm. Cheap
    /// enough to be asked after every change of a job, before arms are made.
    pub fn may_go_on(&self, looks: &[Look], is_awaited: impl Fn(u32) -> bool) -> bool {
        let claims = self.claims.iter().zip(self.is_open_after(looks));
        let mut open = claims
            .filter_map(|(claim, open)| open.then_some(claim))
            .peekable();
        open.peek().is_some()
            && !open.any(|claim| is_awaited(claim.left) || is_awaited(claim.right))
    }

    /// Whether each claim is undecided and may have more seeds.
    fn is_open_after(&self, looks: &[Look]) -> Vec<bool> {
        let mut open = vec![true; self.claims.len()];
        for look in looks {
            if let Some(open) = open.get_mut(look.claim as usize) {
                *open = !look.verdict.is_decided() && look.seeds < self.settings.max;
            }
        }
        open
    }

    fn is_open(&self, standing: &Standing) -> bool {
        !standing.verdict.is_decided() && standing.looked < self.settings.max as usize
    }

    /// Looks at the claims seed by seed, all of them before any has its next: what is decided of one leaves the others more room
    /// in the family from then on.
    fn look(&self, standings: &mut [Standing], mut steps: u32) -> Vec<Look> {
        let min = self.settings.min.max(1) as usize;
        let mut looks = Vec::new();
        loop {
            let mut news = vec![false; standings.len()];
            for (standing, news) in standings.iter_mut().zip(&mut news) {
                *news = self.is_open(standing) && standing.look(min);
            }
            if !news.contains(&true) {
                return looks;
            }
            steps += 1;
            let p_values = adjusted(self, standings);
            for (index, standing) in standings.iter_mut().enumerate() {
                if standing.verdict.is_decided() || standing.looked == 0 {
                    continue;
                }
                standing.verdict = judge(self, standing, p_values[index]);
                if news[index] || standing.verdict.is_decided() {
                    looks.push(Look {
                        step: steps,
                        claim: index as u32,
                        seeds: standing.looked as u32,
                        log_e: standing.process.log_e(),
                        verdict: standing.verdict,
                    });
                }
            }
        }
    }

    /// Gives seeds to the undecided claims, the one first whose ln E is expected to grow most for its cost. Each claim gets one
    /// before any gets a second.
    fn next_seeds(&self, arms: &[Arm], standings: &[Standing]) -> BTreeMap<u32, u32> {
        let mut given: Vec<usize> = arms.iter().map(|arm| arm.seeds.len()).collect();
        let growth: Vec<f64> = standings
            .iter()
            .map(|standing| standing.process.expected_growth(standing.seen()).max(0.0))
            .collect();
        let mut next = BTreeMap::new();
        let mut served = vec![false; standings.len()];
        let mut left = self.settings.at_once.max(1);
        while left > 0 {
            let waiting: Vec<usize> = (0..standings.len())
                .filter(|index| self.wants_seed(*index, &standings[*index], arms, &given))
                .collect();
            if waiting.is_empty() {
                break;
            }
            if waiting.iter().all(|index| served[*index]) {
                served.fill(false);
            }
            let mut best: Option<(f64, usize)> = None;
            for index in waiting.iter().copied().filter(|index| !served[*index]) {
                let value = self.value_of_seed(index, arms, &given, &growth, &waiting);
                if best.is_none_or(|(largest, _)| value > largest) {
                    best = Some((value, index));
                }
            }
            let Some((_, chosen)) = best else { break };
            for arm in self.short_arms(chosen, &given) {
                given[arm] += 1;
                next.insert(arm as u32, given[arm] as u32);
            }
            served[chosen] = true;
            left -= 1;
        }
        next
    }

    /// Whether a claim is undecided, may have a seed more, and no seed of it is lost: behind a lost one no prefix grows.
    fn wants_seed(&self, index: usize, standing: &Standing, arms: &[Arm], given: &[usize]) -> bool {
        let Claim { left, right } = self.claims[index];
        let sides = [left as usize, right as usize];
        let Some(shorter) = sides.iter().filter_map(|side| given.get(*side)).min() else {
            return false;
        };
        let had = sides
            .iter()
            .filter_map(|side| Some(arms.get(*side)?.seeds.len()));
        let complete = Some(standing.differences.len()) == had.min();
        self.is_open(standing) && *shorter < self.settings.max as usize && complete
    }

    /// The arms of a claim that need a seed for its prefix to grow by one.
    fn short_arms(&self, index: usize, given: &[usize]) -> Vec<usize> {
        let Claim { left, right } = self.claims[index];
        let mut sides = vec![left as usize, right as usize];
        sides.dedup();
        let shorter = sides.iter().map(|side| given[*side]).min().unwrap_or(0);
        sides.retain(|side| given[*side] == shorter);
        sides
    }

    /// Expected growth of ln E for the cost of a claim's next seed, over all undecided claims that it helps.
    fn value_of_seed(
        &self,
        index: usize,
        arms: &[Arm],
        given: &[usize],
        growth: &[f64],
        waiting: &[usize],
    ) -> f64 {
        let gets = self.short_arms(index, given);
        let cost: f64 = gets.iter().map(|arm| arms[*arm].cost()).sum();
        let helped: f64 = waiting
            .iter()
            .filter(|other| {
                let needs = self.short_arms(**other, given);
                needs.iter().all(|arm| gets.contains(arm))
            })
            .map(|other| growth[*other])
            .sum();
        helped / cost
    }
}

/// What was decided of each claim by the looks so far.
pub fn verdicts(family: &Family, looks: &[Look]) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Undecided; family.size()];
    for look in looks {
        if let Some(verdict) = verdicts.get_mut(look.claim as usize) {
            *verdict = look.verdict;
        }
    }
    verdicts
}
