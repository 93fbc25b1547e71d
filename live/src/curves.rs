//! Curves over epochs: of each group the mean over its seeds, how they spread, and the seeds themselves.

use std::collections::BTreeMap;

use proto::nouns::Timestamp;
use serde::Serialize;
use sweeps::{JobStatus, Phase};

use crate::board::Board;
use crate::curve::Point;
use crate::job::Job;
use crate::summary::{Summary, rounded};

/// Groups of one answer, and seeds of each that are drawn one by one.
const MOST_GROUPS: usize = 24;
const MOST_SEEDS: usize = 64;

/// What a curve shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The AUC that is reported.
    Auc,
    /// A number by its place in [`sweeps::EpochPoint::numbers`].
    Number(usize),
}

impl Measure {
    /// The measure of that name. What each is in words stands in the page's script.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auc" => Self::Auc,
            "auc_d" => Self::Number(0),
            "auc_g" => Self::Number(1),
            "loss_d" => Self::Number(2),
            "loss_g" => Self::Number(3),
            "share_g" => Self::Number(4),
            "share_d" => Self::Number(5),
            "agreement" => Self::Number(6),
            "truth" => Self::Number(7),
            _ => return None,
        })
    }

    /// Whether it shows an AUC, which of a rehearsal is no result.
    fn is_auc(self) -> bool {
        matches!(self, Self::Auc | Self::Number(0 | 1))
    }
}

/// Which curves.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesAsked {
    /// Of which groups.
    pub groups: Vec<usize>,
    /// What they show.
    pub measure: Measure,
    /// Of which phase.
    pub phase: Phase,
    /// Whether with each seed.
    pub seeds: bool,
    /// Of jobs that were done at that time alone.
    pub until: Option<Timestamp>,
}

/// Curves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    groups: Vec<GroupCurve>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct GroupCurve {
    group: usize,
    epochs: Vec<u32>,
    /// By epoch.
    summaries: Vec<Summary>,
    /// Seeds that are not drawn one by one.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
    seeds: Vec<SeedCurve>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A seed's curve: position of its cell, then by epoch of the group's.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SeedCurve(u32, Vec<Option<f64>>);

impl Board {
    /// Curves of some groups.
    pub fn curves(&self, asked: &CurvesAsked) -> Curves {
        let statuses = asked.until.map(|until| -> Vec<JobStatus> {
            let standings = self.standings_at(until).into_iter();
            standings.map(|standing| standing.status).collect()
        });
        let known = asked
            .groups
            .iter()
            .filter(|group| **group < self.groups.len());
        let hide = self.is_rehearsal && asked.measure.is_auc();
        Curves {
            groups: known
                .take(if hide { 0 } else { MOST_GROUPS })
                .map(|group| self.group_curve(*group, asked, statuses.as_deref()))
                .collect(),
        }
    }

    fn group_curve(
        &self,
        number: usize,
        asked: &CurvesAsked,
        statuses: Option<&[JobStatus]>,
    ) -> GroupCurve {
        let group = &self.groups[number];
        let by = group.by();
        let read = |point: &Point| match asked.measure {
            Measure::Auc => Job::auc_at(point, by),
            Measure::Number(place) => point.number(place),
        };
        let mut by_epoch: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        let mut seeds: Vec<(u32, BTreeMap<u32, f64>)> = Vec::new();
        for cell in &group.cells {
            let job = self.cells[*cell as usize].job as usize;
            if statuses.is_some_and(|statuses| statuses[job] != JobStatus::Done) {
                continue;
            }
            let job = &self.jobs[job];
            let points = job.curve.points().iter();
            let of_phase = points.filter(|point| point.phase == asked.phase);
            let values: BTreeMap<u32, f64> = of_phase
                .filter_map(|point| Some((point.epoch, read(point)?)))
                .collect();
            for (epoch, value) in &values {
                by_epoch.entry(*epoch).or_default().push(*value);
            }
            if !values.is_empty() {
                seeds.push((*cell, values));
            }
        }
        let epochs: Vec<u32> = by_epoch.keys().copied().collect();
        let shown = if asked.seeds { MOST_SEEDS } else { 0 };
        GroupCurve {
            group: number,
            more: seeds.len().saturating_sub(shown),
            seeds: seeds
                .into_iter()
                .take(shown)
                .map(|(cell, values)| {
                    let values = epochs.iter().map(|epoch| values.get(epoch).copied());
                    SeedCurve(cell, values.map(|value| value.map(rounded)).collect())
                })
                .collect(),
            summaries: by_epoch.into_values().filter_map(Summary::of).collect(),
            epochs,
        }
    }
}
