//! A plan for programs.

use std::collections::BTreeMap;

use super::Planned;
use crate::command::submit;
use crate::labels;

/// All of it.
pub fn planned(planned: &Planned<'_>) -> serde_json::Value {
    let mut json = cells(planned);
    if let Some(meaning) = &planned.known.meaning {
        json["meaning"] = submit::as_json(meaning);
    }
    let (jobs, done) = planned.jobs();
    json["jobs"] = jobs.into();
    json["done"] = done.into();
    json["cached"] = planned.cached.len().into();
    json["warnings"] = planned.warnings.clone().into();
    let estimate = &planned.estimate;
    json["estimate"] = serde_json::json!({
        "seconds": (estimate.estimated() > 0).then_some(estimate.seconds),
        "known_jobs": estimate.known,
        "rehearsed_jobs": estimate.rehearsed,
        "unknown_jobs": estimate.unknown,
    });
    let room = &planned.room;
    json["memory"] = serde_json::json!({
        "per_worker_bytes": room.worker.map(|memory| serde_json::json!({
            "features": memory.features, "networks": memory.networks,
        })),
        "checkpoint_bytes": room.worker.map(|memory| memory.checkpoint),
        "datasets_not_known": room.unknown,
        "workers": room.workers,
        "machine_bytes": room.here,
    });
    if let Some(found) = &planned.difference {
        json["difference"] = found.as_json();
    }
    if let Some(adaptive) = &planned.file.expansion.adaptive {
        json["adaptive"] = serde_json::json!({
            "claims": adaptive.texts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "settings": adaptive.family.settings,
            "identity": adaptive.identity.short(),
            "fewest_seeds": adaptive.family.fewest_seeds(),
            "jobs_at_least": jobs,
            "jobs_at_most": jobs + adaptive.most_added(),
        });
    }
    json
}

fn cells(planned: &Planned<'_>) -> serde_json::Value {
    let expansion = &planned.file.expansion;
    let cells: Vec<_> = expansion
        .cells
        .iter()
        .zip(&planned.keys)
        .map(|(cell, key)| {
            let point: BTreeMap<_, _> = expansion.columns.iter().zip(&cell.point).collect();
            serde_json::json!({
                "variant": cell.variant,
                "seed": cell.job.seed,
                "point": point,
                "job_id": key.id(),
                "done": planned.is_done(key),
                "cached": key.id().is_some_and(|id| planned.cached.contains(&id)),
                "dataset": cell.job.dataset.to_string(),
                "parameters": cell.job.parameters,
            })
        })
        .collect();
    let steps = planned.groups.iter();
    let steps: BTreeMap<_, _> = steps
        .map(|group| (labels::label(&expansion.columns, group.first), group.steps))
        .collect();
    serde_json::json!({
        "sweep": planned.file.spec.name,
        "columns": expansion.columns,
        "cells": cells,
        "steps_per_epoch": steps,
    })
}
