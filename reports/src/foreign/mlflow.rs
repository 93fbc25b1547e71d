//! MLflow's folders: `mlruns/EXPERIMENT/RUN/{meta.yaml,params,metrics,tags}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::run::{Ended, Found, Run};
use super::{bytes, fault, files};
use crate::error::ReportError;

/// The folders of experiments: those of a store, or the path itself, which may be one run; `None` where it is nothing of MLflow's.
pub(super) fn experiments(path: &Path) -> Option<Vec<PathBuf>> {
    let path = match path.join("mlruns") {
        below if below.is_dir() => below,
        _ => path.to_owned(),
    };
    if path.join("meta.yaml").is_file() {
        return Some(vec![path]);
    }
    let mut found: Vec<PathBuf> = std::fs::read_dir(&path)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("meta.yaml").is_file())
        .collect();
    found.sort();
    (!found.is_empty()).then_some(found)
}

/// Reads them. Deleted experiments and runs are passed over, and counted.
pub(super) fn read(path: &Path, experiments: &[PathBuf]) -> Result<Found, ReportError> {
    let (mut runs, mut names, mut deleted) = (Vec::new(), Vec::new(), 0);
    for experiment in experiments {
        let about = meta(experiment)?;
        if about
            .get("lifecycle_stage")
            .is_some_and(|stage| stage == "deleted")
        {
            deleted += 1;
            continue;
        }
        // A run that is named by itself.
        if about.contains_key("run_id") {
            runs.push(run(experiment, &about)?);
            continue;
        }
        let mut folders: Vec<PathBuf> = std::fs::read_dir(experiment)
            .map_err(ReportError::read(experiment))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|folder| folder.join("meta.yaml").is_file())
            .collect();
        folders.sort();
        let before = runs.len();
        for folder in folders {
            let about = meta(&folder)?;
            if !about.contains_key("run_id") {
                continue;
            }
            if about
                .get("lifecycle_stage")
                .is_some_and(|stage| stage == "deleted")
            {
                deleted += 1;
                continue;
            }
            runs.push(run(&folder, &about)?);
        }
        if runs.len() > before {
            names.extend(about.get("name").cloned());
        }
    }
    // In the order in which they began, whatever their ids are.
    runs.sort_by(|(a, first), (b, second)| (a, &first.id).cmp(&(b, &second.id)));
    let mut notes = Vec::new();
    if deleted > 0 {
        notes.push(format!(
            "{}: {deleted} deleted runs or experiments of MLflow are left out",
            path.display()
        ));
    }
    Ok(Found {
        program: "MLflow",
        name: if names.is_empty() {
            "mlflow".to_owned()
        } else {
            names.join(", ")
        },
        runs: runs.into_iter().map(|(_, run)| run).collect(),
        notes,
    })
}

/// The entries of a `meta.yaml`: `name: value` each, as MLflow writes them.
fn meta(folder: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let path = folder.join("meta.yaml");
    let text = text(&path)?;
    let entries = text.lines().filter_map(|line| line.split_once(':'));
    Ok(entries
        .filter(|(name, _)| !name.starts_with(' '))
        .map(|(name, value)| (name.to_owned(), unquoted(value.trim())))
        .collect())
}

fn unquoted(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    match (inner('\''), inner('"')) {
        (Some(inner), _) => inner.replace("''", "'"),
        (_, Some(inner)) => inner.replace("\\\"", "\""),
        _ => value.to_owned(),
    }
}

fn text(path: &Path) -> Result<String, ReportError> {
    String::from_utf8(bytes(path)?).map_err(|_| fault(path, "it is no text in UTF-8".to_owned()))
}

fn run(folder: &Path, about: &BTreeMap<String, String>) -> Result<(i64, Run), ReportError> {
    let get = |name: &str| about.get(name).map(String::as_str);
    let mut run = Run::new(
        folder.display().to_string(),
        get("run_id").unwrap_or_default().to_owned(),
    );
    // FINISHED, FAILED, KILLED; 1 and 2 have not ended.
    run.ended = match get("status") {
        Some("3" | "FINISHED") => Ended::Well,
        Some("4" | "5" | "FAILED" | "KILLED") => Ended::Failed,
        _ => Ended::Unknown,
    };
    for (name, path) in named_files(&folder.join("tags"))? {
        run.parameters
            .insert(format!("tag.{name}"), text(&path)?.trim().to_owned());
    }
    if let Some(name) = get("run_name") {
        run.parameters
            .insert("run_name".to_owned(), name.to_owned());
    }
    for (name, path) in named_files(&folder.join("params"))? {
        run.parameters.insert(name, text(&path)?.trim().to_owned());
    }
    for (name, path) in named_files(&folder.join("metrics"))? {
        let mut points = Vec::new();
        for (number, line) in text(&path)?.lines().enumerate() {
            // Time, number, step; MLflow 3 may add a data set's name and digest.
            let mut fields = line.split_whitespace().skip(1);
            let value = fields.next().and_then(|value| value.parse::<f64>().ok());
            let step = fields.next().map_or(Some(0), |step| step.parse().ok());
            let (Some(value), Some(step)) = (value, step) else {
                return Err(fault(
                    &path,
                    format!("line {}: `{line}` is no number of a step", number + 1),
                ));
            };
            points.push((step, value));
        }
        run.metrics.insert(name, points);
    }
    run.settle();
    Ok((
        get("start_time")
            .and_then(|time| time.parse().ok())
            .unwrap_or(0),
        run,
    ))
}

/// The files below a folder by their path in it: `val/auc` is a folder and a file.
fn named_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReportError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = files(folder)?.into_iter().filter_map(|path| {
        let name = path.strip_prefix(folder).ok()?.to_str()?.to_owned();
        Some((name, path))
    });
    Ok(named.collect())
}
