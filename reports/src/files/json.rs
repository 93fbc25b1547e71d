//! The cells as JSON, for programs: the fields of `results.csv`, typed.

use serde_json::{Map, Value as Json, json};
use sweeps::{CellResult, JobStatus};

use crate::order::compare_cells;
use crate::results::SweepResults;
use crate::summary::METRICS;

/// An array with an object per cell, in the order of `results.csv`. What does not apply is `null`; swept values stand under
/// `point` by their dotted names; `parameters` has all of the job's.
pub fn write_json(results: &SweepResults) -> String {
    let mut cells: Vec<&CellResult> = results.cells.iter().collect();
    cells.sort_by(|left, right| compare_cells(left, right));
    let cells: Vec<Json> = cells
        .into_iter()
        .map(|result| cell(results, result))
        .collect();
    format!("{:#}\n", Json::Array(cells))
}

fn cell(results: &SweepResults, result: &CellResult) -> Json {
    let record = result.record.as_deref();
    let metrics = record.map(|record| &record.outcome.metrics);
    let mut object = Map::new();
    let mut set = |name: &str, value: Json| {
        object.insert(name.to_owned(), value);
    };
    set("sweep", json!(results.name));
    if results.rehearsal {
        set("rehearsal", json!(true));
    }
    set("variant", json!(result.cell.variant));
    set("seed", json!(result.cell.job.seed));
    set("job_id", json!(result.job_id));
    set("dataset", json!(result.cell.job.dataset.to_string()));
    set("status", json!(result.status.name()));
    set("auc", json!(result.auc()));
    for (name, metric) in METRICS {
        for (suffix, score) in [
            ("d", metrics.and_then(|both| both.d)),
            ("g", metrics.and_then(|both| both.g)),
        ] {
            set(
                &format!("{name}_{suffix}"),
                json!(score.as_ref().and_then(metric)),
            );
        }
    }
    set(
        "duration_s",
        json!(record.map(|record| record.provenance.duration_s)),
    );
    set(
        "device",
        json!(record.map(|record| &record.provenance.device.kind)),
    );
    set(
        "worker",
        json!(record.map(|record| &record.provenance.worker)),
    );
    set("attempts", json!(result.attempts));
    let error = result
        .error
        .as_ref()
        .filter(|_| result.status != JobStatus::Done);
    set("error", json!(error));
    let point: Map<String, Json> = results
        .columns
        .iter()
        .zip(&result.cell.point)
        .map(|(column, value)| (column.clone(), json!(value)))
        .collect();
    set("point", Json::Object(point));
    set("parameters", json!(result.cell.job.parameters));
    set("epochs", json!(super::curve(result)));
    Json::Object(object)
}
