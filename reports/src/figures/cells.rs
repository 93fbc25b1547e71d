//! The data of figures that are drawn from final results: every run that was asked for, in its group, and the CSV of it.

use std::sync::Arc;

use sweeps::{CellResult, JobStatus};

use super::about::ABOUT;
use super::key::Key;
use super::network::Network;
use super::source::Source;
use crate::error::ReportError;
use crate::files::{CsvFile, Fields, Table};
use crate::results::SweepResults;
use crate::summary::SummaryRow;
use statistics::{mean, sample_std};

/// The columns of its CSV; the swept parameters follow, then `about`.
const COLUMNS: [&str; 13] = [
    "figure",
    "sweep",
    "variant",
    "seed",
    "job_id",
    "status",
    "auc",
    "auc_d",
    "auc_g",
    "mean_low",
    "mean_high",
    "published",
    "published_std",
];

/// The runs of a sweep by group. AUCs are fractions, as in every file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    pub(super) source: Source,
    /// Shared by all figures of a sweep.
    pub(super) groups: Arc<[Group]>,
}

/// The runs of one variant at one point.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    pub(super) key: Key,
    /// The 95% interval of the mean, where there is one.
    pub(super) interval: Option<(f64, f64)>,
    /// The literature's number for it, in percent, with its standard deviation.
    pub(super) published: Option<(f64, Option<f64>)>,
    pub(super) runs: Vec<Run>,
}

/// One run that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) seed: u64,
    /// The first digits of its job's id.
    pub(super) job: String,
    pub(super) status: JobStatus,
    /// The reported AUC.
    pub(super) auc: Option<f64>,
    pub(super) d: Option<f64>,
    pub(super) g: Option<f64>,
}

impl Cells {
    /// Of the rows of a sweep; `published` has a number for each of them that the literature has one for.
    pub(super) fn of(
        results: &SweepResults,
        rows: &[SummaryRow],
        published: &[Option<(f64, Option<f64>)>],
    ) -> Self {
        let group = |(index, row): (usize, &SummaryRow)| Group {
            key: Key {
                variant: row.variant.clone(),
                point: row.point.clone(),
            },
            interval: row
                .auc
                .interval
                .map(|interval| (interval.low, interval.high)),
            published: published.get(index).copied().flatten(),
            runs: row
                .cells
                .iter()
                .filter_map(|index| results.cells.get(*index))
                .map(Run::of)
                .collect(),
        };
        Self {
            source: Source::of(results),
            groups: rows.iter().enumerate().map(group).collect(),
        }
    }

    /// The same runs for one figure.
    pub(super) fn named(&self, figure: &str, axes: &[usize]) -> Self {
        Self {
            source: self.source.named(figure, axes),
            groups: self.groups.clone(),
        }
    }

    pub(super) fn to_csv(&self) -> String {
        let source = &self.source;
        let swept = source.columns.iter().map(String::as_str);
        let mut table = Table::new(COLUMNS.into_iter().chain(swept).chain([ABOUT]));
        let mut about = source.about.to_json();
        for group in self.groups.iter() {
            for run in &group.runs {
                table.text(&source.figure);
                table.text(&source.sweep);
                table.text(&group.key.variant);
                table.text(&run.seed.to_string());
                table.text(&run.job);
                table.text(run.status.name());
                for auc in [run.auc, run.d, run.g] {
                    table.number(auc);
                }
                table.number(group.interval.map(|(low, _)| low));
                table.number(group.interval.map(|(_, high)| high));
                table.number(group.published.map(|(auc, _)| auc / 100.0));
                let std = group.published.and_then(|(_, std)| std);
                table.number(std.map(|std| std / 100.0));
                table.point(&group.key.point, source.columns.len());
                table.text(&std::mem::take(&mut about));
                table.end_line();
            }
        }
        table.into_text()
    }

    pub(super) fn from_csv(file: &CsvFile<'_>) -> Result<Self, ReportError> {
        let source = Source::read(file)?;
        let mut groups: Vec<Group> = Vec::new();
        for fields in file.lines() {
            let key = key(&fields, &source);
            let run = Run {
                seed: seed(&fields)?,
                job: fields.text("job_id").to_owned(),
                auc: fields.number("auc")?,
                d: fields.number("auc_d")?,
                g: fields.number("auc_g")?,
                status: status(&fields)?,
            };
            match groups.last_mut() {
                Some(group) if group.key == key => group.runs.push(run),
                _ => {
                    let ends = (fields.number("mean_low")?, fields.number("mean_high")?);
                    groups.push(Group {
                        key,
                        interval: ends.0.zip(ends.1),
                        published: published(&fields)?,
                        runs: vec![run],
                    });
                }
            }
        }
        Ok(Self {
            source,
            groups: groups.into(),
        })
    }

    /// Reads the columns of its CSV, all of which must be there.
    pub(super) fn columns() -> &'static [&'static str] {
        &COLUMNS
    }
}

impl Run {
    fn of(result: &CellResult) -> Self {
        let metrics = result.record.as_ref().map(|record| &record.outcome.metrics);
        let auc = |score: Option<sweeps::ScoreMetrics>| score.and_then(|score| score.auc);
        Self {
            seed: result.cell.job.seed,
            job: result.job_id.short(),
            status: result.status,
            auc: result.auc(),
            d: auc(metrics.and_then(|both| both.d)),
            g: auc(metrics.and_then(|both| both.g)),
        }
    }

    /// Its AUC in percent by `network`, or the reported one; `None` unless it has finished with a number.
    pub(super) fn percent(&self, network: Option<Network>) -> Option<f64> {
        let auc = match network {
            None => self.auc,
            Some(Network::Discriminator) => self.d,
            Some(Network::Generator) => self.g,
        };
        auc.filter(|auc| self.status == JobStatus::Done && auc.is_finite())
            .map(|auc| auc * 100.0)
    }
}

impl Group {
    /// Seed, job and AUC in percent of each finished run.
    pub(super) fn finished(
        &self,
        network: Option<Network>,
    ) -> impl Iterator<Item = (&Run, f64)> + Clone {
        self.runs
            .iter()
            .filter_map(move |run| Some((run, run.percent(network)?)))
    }

    /// The AUCs of the finished runs in percent.
    pub(super) fn values(&self, network: Option<Network>) -> Vec<f64> {
        self.finished(network).map(|(_, auc)| auc).collect()
    }

    /// Mean, sample standard deviation and n in percent.
    pub(super) fn estimate(&self, network: Option<Network>) -> (Option<f64>, Option<f64>, usize) {
        let values = self.values(network);
        let std = sample_std(&values).filter(|_| !self.is_deterministic());
        (mean(&values), std, values.len())
    }

    /// Whether all of its cells are one job: a method that draws nothing, so that its seeds are no runs.
    pub(super) fn is_deterministic(&self) -> bool {
        let first = self.runs.first();
        self.runs.len() > 1
            && first.is_some_and(|first| {
                !first.job.is_empty() && self.runs.iter().all(|run| run.job == first.job)
            })
    }

    /// `n = 4 of 5`.
    pub(super) fn count(&self, network: Option<Network>) -> String {
        if self.is_deterministic() {
            return "deterministic, one run".into();
        }
        let n = self.finished(network).count();
        format!("n = {n} of {}", self.runs.len())
    }

    /// Whether a run that was asked for has no number.
    pub(super) fn is_short(&self, network: Option<Network>) -> bool {
        self.finished(network).count() < self.runs.len()
    }

    /// Which network's score the reported AUC is, where both are known and it is the same of all runs.
    pub(super) fn reported(&self) -> Option<Network> {
        let mut networks = self
            .finished(None)
            .map(|(run, _)| Network::of(run.auc, run.d, run.g));
        let first = networks.next()??;
        networks.all(|other| other == Some(first)).then_some(first)
    }
}

/// Whose score the groups report, in words.
pub(super) fn score_words(groups: &[Group]) -> &'static str {
    let mut known = groups
        .iter()
        .filter(|group| !group.values(None).is_empty())
        .map(Group::reported);
    let first = known.next().flatten();
    match first.filter(|_| known.all(|other| other == first)) {
        Some(Network::Discriminator) => "score of D",
        Some(Network::Generator) => "score of G",
        None => "the reported score",
    }
}

/// Variant and point of a line.
pub(super) fn key(fields: &Fields<'_>, source: &Source) -> Key {
    let values = source.columns.iter();
    Key {
        variant: fields.text("variant").to_owned(),
        point: values.map(|column| fields.value(column)).collect(),
    }
}

pub(super) fn seed(fields: &Fields<'_>) -> Result<u64, ReportError> {
    fields
        .whole("seed")?
        .ok_or_else(|| fields.fault("the seed is empty".to_owned()))
}

pub(super) fn status(fields: &Fields<'_>) -> Result<JobStatus, ReportError> {
    let word = fields.text("status");
    JobStatus::ALL
        .into_iter()
        .find(|status| status.name() == word)
        .ok_or_else(|| fields.fault(format!("`{word}` is no status")))
}

fn published(fields: &Fields<'_>) -> Result<Option<(f64, Option<f64>)>, ReportError> {
    // Published numbers are decimals of a few digits: percent again, without the noise of the division.
    let percent = |value: f64| (value * 1e8).round() / 1e6;
    let std = fields.number("published_std")?.map(percent);
    Ok(fields
        .number("published")?
        .map(|value| (percent(value), std)))
}
