//! Runs of another program as the cells of a sweep.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics,
    JobId, JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Reporting, RunRecord,
    ScoreMetrics, Value, spelling,
};

use super::fault;
use super::mapping::{Mapping, Seed};
use super::run::{Ended, Found, Run};
use crate::error::ReportError;
use crate::files::{Tables, cell_value};
use crate::results::SweepResults;

/// What tells a cell from others.
type Key = (String, Vec<String>, u64);

/// The runs as one sweep.
pub(super) fn tables(path: &Path, found: &Found, mapping: &Mapping) -> Result<Tables, ReportError> {
    if found.runs.is_empty() {
        return Err(fault(path, format!("it has no runs of {}", found.program)));
    }
    check_names(path, found, mapping)?;
    let mut notes = found.notes.clone();
    let mut cells: Vec<CellResult> = Vec::new();
    let mut known: BTreeMap<Key, (usize, &Run)> = BTreeMap::new();
    let mut numbered: BTreeMap<(String, Vec<String>), u64> = BTreeMap::new();
    for run in &found.runs {
        let holes = holes(path, run, mapping)?;
        let get = |name: &str| {
            let text = holes.get(name).or_else(|| run.parameters.get(name));
            text.filter(|text| !spelling::missing(text))
        };
        let variant_name = mapping.variant.as_deref().unwrap_or("variant");
        let Some(variant) = get(variant_name) else {
            return Err(fault(
                path,
                format!(
                    "{}: it has no `{variant_name}`, so nobody knows which method it is",
                    run.place
                ),
            ));
        };
        let point: Vec<Option<Value>> = mapping
            .swept
            .iter()
            .map(|(name, column)| {
                cell_value(name, get(column).map_or("", String::as_str), run.delimiter)
            })
            .collect();
        let shown: Vec<String> = point
            .iter()
            .map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default())
            .collect();
        let seed = match &mapping.seed {
            Seed::Numbered => {
                let next = numbered
                    .entry((variant.clone(), shown.clone()))
                    .or_default();
                *next += 1;
                *next - 1
            }
            Seed::Named(name) => {
                let text = get(name).ok_or_else(|| {
                    fault(path, format!("{}: it has no seed (`{name}`)", run.place))
                })?;
                whole(text, run.delimiter).ok_or_else(|| {
                    fault(
                        path,
                        format!(
                            "{}: the seed `{text}` is no whole number from 0 on",
                            run.place
                        ),
                    )
                })?
            }
        };
        let cell = cell(path, run, mapping, (variant, point, seed))?;
        let key = (variant.clone(), shown, seed);
        match known.get(&key) {
            None => {
                known.insert(key, (cells.len(), run));
                cells.push(cell);
            }
            // Somebody ran it again after it failed.
            Some((at, other)) if cells[*at].record.is_none() => {
                notes.push(format!(
                    "{}: it ended without a result and is left out, since {} is the same cell",
                    other.place, run.place
                ));
                let at = *at;
                cells[at] = cell;
                known.insert(key, (at, run));
            }
            Some((_, other)) if cell.record.is_none() => {
                notes.push(format!(
                    "{}: it ended without a result and is left out, since {} is the same cell",
                    run.place, other.place
                ));
            }
            Some((_, other)) => {
                return Err(fault(
                    path,
                    format!(
                        "{} and {} are the same cell ({variant}, seed {seed}): delete one, or name what else tells them apart (--map …,NAME=PARAMETER)",
                        other.place, run.place
                    ),
                ));
            }
        }
    }
    let name = mapping.sweep.clone().unwrap_or_else(|| found.name.clone());
    let mut said = vec![format!(
        "These are runs of another program ({}): their AUC is `{}` as it was logged last, in the place of D's; how they were trained, on what and how it was measured is not known here.",
        found.program, mapping.auc
    )];
    if mapping.seed == Seed::Numbered {
        said.push("Their seeds are not known: the runs of each row are numbered in their order, so that pairs of seeds are pairs by chance.".to_owned());
    }
    said.extend(notes.iter().cloned());
    let sweep = SweepResults {
        name,
        columns: mapping.swept.iter().map(|(name, _)| name.clone()).collect(),
        cells,
        version: format!("gcl-sweep {}", env!("CARGO_PKG_VERSION")),
        notes: said,
        warnings_lost: true,
        ..SweepResults::default()
    };
    Ok(Tables {
        sweeps: vec![sweep],
        notes,
    })
}

/// Whether what the mapping names is there at all.
fn check_names(path: &Path, found: &Found, mapping: &Mapping) -> Result<(), ReportError> {
    let (metrics, mut parameters) = (found.metrics(), found.parameters());
    let absent = |what: &str, name: &str, names: &std::collections::BTreeSet<&str>| {
        let nearest = sweeps::parameter::nearest(name, names.iter().copied())
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        fault(
            path,
            format!("no run has a {what} `{name}`{nearest}\n{}", found.names()),
        )
    };
    if !metrics.contains(mapping.auc.as_str()) {
        return Err(absent("metric", &mapping.auc, &metrics));
    }
    let holes = found
        .runs
        .iter()
        .find_map(|run| mapping.path.as_ref()?.read(&run.id));
    if let Some(holes) = &holes {
        parameters.extend(holes.keys().map(String::as_str));
    }
    let seed = match &mapping.seed {
        Seed::Named(name) => Some(name.as_str()),
        Seed::Numbered => None,
    };
    let wanted = mapping.variant.as_deref().into_iter().chain(seed);
    let swept = mapping.swept.iter().map(|(_, name)| name.as_str());
    match wanted.chain(swept).find(|name| !parameters.contains(name)) {
        // A path that fits no run is said with the run.
        Some(name) if mapping.path.is_none() || holes.is_some() => {
            Err(absent("parameter", name, &parameters))
        }
        _ => Ok(()),
    }
}

/// What a run's path says.
fn holes(
    path: &Path,
    run: &Run,
    mapping: &Mapping,
) -> Result<BTreeMap<String, String>, ReportError> {
    let Some(pattern) = &mapping.path else {
        return Ok(BTreeMap::new());
    };
    pattern.read(&run.id).ok_or_else(|| {
        fault(
            path,
            format!("the folder `{}` is not as `path` says", run.id),
        )
    })
}

fn whole(text: &str, delimiter: u8) -> Option<u64> {
    text.parse()
        .ok()
        .or_else(|| u64::try_from(spelling::whole_in(text, delimiter)?).ok())
}

fn cell(
    path: &Path,
    run: &Run,
    mapping: &Mapping,
    (variant, point, seed): (&str, Vec<Option<Value>>, u64),
) -> Result<CellResult, ReportError> {
    let mut curve = Vec::new();
    let points = run.metrics.get(&mapping.auc).map_or(&[][..], Vec::as_slice);
    for (epoch, (_, number)) in (1..).zip(points) {
        curve.push(EpochPoint {
            auc_d: Some(fraction(path, run, mapping, *number)?),
            ..EpochPoint::new(Phase::Train, epoch)
        });
    }
    let auc = curve.last().and_then(|point| point.auc_d);
    let status = match (run.ended, auc) {
        (Ended::Failed, _) | (Ended::Well, None) => JobStatus::Failed,
        (Ended::Unknown, None) => JobStatus::Pending,
        (Ended::Well | Ended::Unknown, Some(_)) => JobStatus::Done,
    };
    let error = match (run.ended, status) {
        (Ended::Failed, _) => Some("its program says that it failed".to_owned()),
        (_, JobStatus::Failed) => Some(format!("it logged no `{}`", mapping.auc)),
        _ => None,
    };
    // Single points are no curve.
    if curve.len() < 2 {
        curve.clear();
    }
    let job_id =
        JobId(Digest::of(format!("{}\n{}\n{variant}\n{seed}", run.place, run.id).as_bytes()).0);
    let record = (status == JobStatus::Done).then(|| {
        let score = ScoreMetrics {
            auc,
            ..ScoreMetrics::default()
        };
        Arc::new(RunRecord {
            job_id,
            outcome: Outcome {
                curve: std::mem::take(&mut curve),
                metrics: FinalMetrics {
                    d: Some(score),
                    g: None,
                },
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(1),
                worker: String::new(),
                device: DeviceInfo {
                    kind: String::new(),
                    name: String::new(),
                },
                version: String::new(),
                trainer_revision: 0,
                dataset_digest: Digest([0; 32]),
                duration_s: 0.0,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        })
    });
    Ok(CellResult {
        cell: Cell {
            variant: variant.to_owned(),
            point,
            job: JobSpec {
                dataset: DatasetSource::Named(String::new()),
                seed,
                parameters: Parameters::default(),
            },
            reporting: Reporting::default(),
        },
        job_id,
        status,
        record,
        live: curve,
        attempts: 1,
        error,
    })
}

/// An AUC lies between 0 and 1, or is in percent where that is said.
fn fraction(path: &Path, run: &Run, mapping: &Mapping, number: f64) -> Result<f64, ReportError> {
    let auc = if mapping.percent {
        number / 100.0
    } else {
        number
    };
    if (0.0..=1.0).contains(&auc) {
        return Ok(auc);
    }
    let hint = if !mapping.percent && (1.0..=100.0).contains(&number) {
        format!(": `auc={}%` says that it is in percent", mapping.auc)
    } else {
        String::new()
    };
    Err(fault(
        path,
        format!(
            "{}: `{}` is {number}, and an AUC lies between 0 and 1{hint}",
            run.place, mapping.auc
        ),
    ))
}
