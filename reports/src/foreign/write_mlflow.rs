//! A sweep as an experiment in a folder of MLflow's.

use std::collections::BTreeMap;
use std::path::Path;

use sweeps::Digest;

use super::written::{Written, cells, put};
use crate::error::ReportError;
use crate::results::SweepResults;

/// Values that MLflow takes at most for a parameter.
const LONGEST: usize = 6000;

/// Writes `EXPERIMENT/RUN/…` into `folder`, a file store of MLflow (`mlflow ui --backend-store-uri folder`). The same results give the same
/// bytes: times are counted from 1970, since results do not say when they began.
pub fn write_mlflow(results: &SweepResults, folder: &Path) -> Result<usize, ReportError> {
    let digest = Digest::of(results.name.as_bytes());
    let number = digest.0[..7]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let experiment = format!("{:018}", 100_000_000_000_000_000 + number);
    let place = folder.join(&experiment);
    let meta = format!(
        "artifact_location: ''\ncreation_time: 0\nexperiment_id: '{experiment}'\nlast_update_time: 0\nlifecycle_stage: active\nname: {}\n",
        quoted(&results.name)
    );
    put(&place.join("meta.yaml"), meta.as_bytes())?;
    let mut runs = 0;
    for cell in cells(results) {
        run(&place, &experiment, &cell)?;
        runs += 1;
    }
    Ok(runs)
}

fn run(place: &Path, experiment: &str, cell: &Written<'_>) -> Result<(), ReportError> {
    let id = &cell.id[..32];
    let folder = place.join(id);
    let duration = cell
        .result
        .record
        .as_ref()
        .map_or(0.0, |record| record.provenance.duration_s);
    let end = (duration * 1000.0).round();
    let (status, end) = match &cell.result.record {
        Some(_) => (3, format!("{end:.0}")),
        None if cell.has_failed() => (4, "0".to_owned()),
        None => (2, "null".to_owned()),
    };
    let meta = format!(
        "artifact_uri: ''\nend_time: {end}\nentry_point_name: ''\nexperiment_id: '{experiment}'\nlifecycle_stage: active\nrun_id: {id}\nrun_name: {}\n\
         run_uuid: {id}\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: 0\nstatus: {status}\ntags: []\nuser_id: ''\n",
        quoted(&cell.name)
    );
    put(&folder.join("meta.yaml"), meta.as_bytes())?;
    // MLflow takes a folder without these for no run.
    for part in ["artifacts", "metrics", "params", "tags"] {
        let part = folder.join(part);
        std::fs::create_dir_all(&part).map_err(ReportError::write(&part))?;
    }
    put(&folder.join("tags/mlflow.runName"), cell.name.as_bytes())?;
    if let Some(error) = &cell.result.error {
        put(&folder.join("tags/error"), error.as_bytes())?;
    }
    for (name, value) in &cell.parameters {
        let kept: String = value.chars().take(LONGEST).collect();
        put(&folder.join("params").join(plain(name)), kept.as_bytes())?;
    }
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for (step, numbers) in cell.epochs().into_iter().enumerate() {
        for (name, number) in numbers {
            *lines.entry(name).or_default() += &format!("0 {number:?} {}\n", step + 1);
        }
    }
    for (name, text) in lines {
        put(&folder.join("metrics").join(name), text.as_bytes())?;
    }
    Ok(())
}

/// A name that MLflow takes and that leaves no folder.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| {
            if letter.is_alphanumeric() || "_-. ".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\n', " "))
}
