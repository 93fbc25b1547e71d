//! The CSV of curves, both ways: a line per seed and epoch, and one per epoch of what the finished seeds have in common,
//! whose column `statistic` says what its AUCs are.

use super::about::ABOUT;
use super::cells::{key, seed, status};
use super::curves::{Common, CurveGroup, Curves, SeedCurve, Triple};
use super::source::Source;
use crate::error::ReportError;
use crate::files::{CsvFile, Fields, Table};

/// The columns; the swept parameters follow, then `about`.
pub(super) const COLUMNS: [&str; 13] = [
    "figure",
    "sweep",
    "variant",
    "seed",
    "job_id",
    "status",
    "statistic",
    "n",
    "asked",
    "epoch",
    "auc",
    "auc_d",
    "auc_g",
];

type Pick = fn(&mut Common) -> &mut Triple;

/// The statistics of an epoch.
const STATISTICS: [(&str, Pick); 4] = [
    ("mean", |common| &mut common.mean),
    ("std", |common| &mut common.std),
    ("q05", |common| &mut common.low),
    ("q95", |common| &mut common.high),
];

/// The statistic of a group whose cells are one job.
const ONE_JOB: &str = "one job";

impl Curves {
    pub(super) fn to_csv(&self) -> String {
        let source = &self.source;
        let swept = source.columns.iter().map(String::as_str);
        let mut table = Table::new(COLUMNS.into_iter().chain(swept).chain([ABOUT]));
        let mut about = source.about.to_json();
        for group in &self.groups {
            let counts = [group.n.to_string(), group.asked.to_string()];
            let mut line = |seed: [&str; 3], statistic: &str, epoch: Option<u32>, aucs: &Triple| {
                table.text(&source.figure);
                table.text(&source.sweep);
                table.text(&group.key.variant);
                for text in seed {
                    table.text(text);
                }
                table.text(statistic);
                for count in &counts {
                    table.text(count);
                }
                table.text(&epoch.map_or_else(String::new, |epoch| epoch.to_string()));
                for auc in aucs {
                    table.number(*auc);
                }
                table.point(&group.key.point, source.columns.len());
                table.text(&std::mem::take(&mut about));
                table.end_line();
            };
            let no_seed = ["", "", ""];
            // The group is there whatever it has.
            let statistic = if group.deterministic { ONE_JOB } else { "" };
            line(no_seed, statistic, None, &[None; 3]);
            for seed in &group.seeds {
                let number = seed.seed.to_string();
                for (epoch, aucs) in &seed.points {
                    let seed = [number.as_str(), &seed.job, seed.status.name()];
                    line(seed, "", Some(*epoch), aucs);
                }
            }
            for (name, pick) in STATISTICS {
                for common in &group.epochs {
                    let aucs = *pick(&mut common.clone());
                    if aucs != [None; 3] {
                        line(no_seed, name, Some(common.epoch), &aucs);
                    }
                }
            }
        }
        table.into_text()
    }

    pub(super) fn from_csv(file: &CsvFile<'_>) -> Result<Self, ReportError> {
        let source = Source::read(file)?;
        let mut groups: Vec<CurveGroup> = Vec::new();
        for fields in file.lines() {
            let key = key(&fields, &source);
            if groups.last().is_none_or(|group| group.key != key) {
                let count = |column| fields.whole(column);
                groups.push(CurveGroup {
                    key,
                    n: count("n")?.unwrap_or(0),
                    asked: count("asked")?.unwrap_or(0),
                    ..CurveGroup::default()
                });
            }
            if let Some(group) = groups.last_mut() {
                read_line(&fields, group)?;
            }
        }
        Ok(Self { source, groups })
    }
}

fn read_line(fields: &Fields<'_>, group: &mut CurveGroup) -> Result<(), ReportError> {
    let epoch: Option<u32> = fields.whole("epoch")?;
    let aucs = [
        fields.number("auc")?,
        fields.number("auc_d")?,
        fields.number("auc_g")?,
    ];
    let word = fields.text("statistic");
    let Some(epoch) = epoch else {
        group.deterministic |= word == ONE_JOB;
        return Ok(());
    };
    if word.is_empty() {
        let (number, job, status) = (seed(fields)?, fields.text("job_id"), status(fields)?);
        match group.seeds.last_mut() {
            Some(last) if last.seed == number && last.job == job => last.points.push((epoch, aucs)),
            _ => group.seeds.push(SeedCurve {
                seed: number,
                job: job.to_owned(),
                status,
                points: vec![(epoch, aucs)],
            }),
        }
        return Ok(());
    }
    let (_, pick) = STATISTICS
        .into_iter()
        .find(|(name, _)| *name == word)
        .ok_or_else(|| fields.fault(format!("`{word}` is no statistic")))?;
    let at = group
        .epochs
        .iter()
        .position(|common| common.epoch == epoch)
        .unwrap_or_else(|| {
            group.epochs.push(Common {
                epoch,
                ..Common::default()
            });
            group.epochs.len() - 1
        });
    *pick(&mut group.epochs[at]) = aucs;
    Ok(())
}
