//! W&B's offline runs: `offline-run-*/run-ID.wandb`.

use std::path::{Path, PathBuf};

use prost::Message;

use super::framed::w_and_b;
use super::run::{Ended, Found, Run};
use super::wandb_record::{Config, Record};
use super::{fault, records};
use crate::error::ReportError;

/// Reads them.
pub(super) fn read(root: &Path, offline: &[&PathBuf]) -> Result<Found, ReportError> {
    let (mut runs, mut notes, mut name) = (Vec::new(), Vec::new(), String::new());
    for path in offline {
        let folder = path.parent().unwrap_or(root);
        let mut run = Run::new(folder.display().to_string(), String::new());
        let mut next_step = 0;
        for record in records(path, w_and_b, &mut notes)? {
            let record = Record::decode(record.as_slice())
                .map_err(|error| fault(path, format!("it is no file of W&B: {error}")))?;
            if let Some(about) = record.run {
                run.id.clone_from(&about.run_id);
                run.parameters
                    .insert("run_name".to_owned(), about.display_name);
                if !about.run_group.is_empty() {
                    run.parameters
                        .insert("run_group".to_owned(), about.run_group);
                }
                if name.is_empty() {
                    name = about.project;
                }
                configure(&mut run, about.config);
            }
            configure(&mut run, record.config);
            if let Some(history) = record.history {
                let named = history
                    .item
                    .iter()
                    .find(|item| joined(&item.key, &item.nested_key) == "_step");
                let step = named
                    .and_then(|item| item.integer.or_else(|| item.value_json.parse().ok()))
                    .or(history.step.map(|step| step.num))
                    .unwrap_or(next_step);
                next_step = step + 1;
                for item in history.item {
                    let key = joined(&item.key, &item.nested_key);
                    let number = item
                        .number
                        .or(item.integer.map(|integer| integer as f64))
                        .or_else(|| item.value_json.parse().ok());
                    if let Some(number) = number.filter(|_| !key.starts_with('_')) {
                        run.metrics.entry(key).or_default().push((step, number));
                    }
                }
            }
            if let Some(exit) = record.exit {
                run.ended = if exit.exit_code == 0 {
                    Ended::Well
                } else {
                    Ended::Failed
                };
            }
        }
        run.settle();
        runs.push(run);
    }
    if name.is_empty() {
        "wandb".clone_into(&mut name);
    }
    Ok(Found {
        program: "W&B",
        name,
        runs,
        notes,
    })
}

/// Nested settings are called `net.width`.
fn configure(run: &mut Run, config: Option<Config>) {
    for item in config.into_iter().flat_map(|config| config.update) {
        let key = joined(&item.key, &item.nested_key);
        if key.starts_with("_wandb") {
            continue;
        }
        match serde_json::from_str(&item.value_json) {
            Ok(value) => put(run, &key, &value),
            Err(_) => {
                run.parameters.insert(key, item.value_json);
            }
        }
    }
}

fn put(run: &mut Run, key: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => {
            for (name, value) in entries {
                put(run, &format!("{key}.{name}"), value);
            }
        }
        serde_json::Value::String(text) => {
            run.parameters.insert(key.to_owned(), text.clone());
        }
        serde_json::Value::Null => {}
        other => {
            run.parameters.insert(key.to_owned(), other.to_string());
        }
    }
}

fn joined(key: &str, nested: &[String]) -> String {
    if nested.is_empty() {
        key.to_owned()
    } else {
        nested.join(".")
    }
}
