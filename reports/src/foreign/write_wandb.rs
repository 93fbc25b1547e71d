//! A sweep as offline runs of W&B, for `wandb sync`.

use std::path::Path;

use prost::Message;

use super::framed::write_w_and_b;
use super::wandb_record::{
    Config, ConfigItem, Exit, Header, History, HistoryItem, Record, RunRecord, Step, VersionInfo,
};
use super::written::{Written, cells, put};
use crate::error::ReportError;
use crate::results::SweepResults;

/// The oldest program that reads such files.
const CONSUMER: &str = "0.70.0";

/// Writes `offline-run-ID/run-ID.wandb` for every cell into `folder` (`wandb sync folder/offline-run-*`). The same results give the same bytes.
pub fn write_wandb(results: &SweepResults, folder: &Path) -> Result<usize, ReportError> {
    let mut runs = 0;
    for cell in cells(results) {
        let id = &cell.id[..8];
        // The time in the folder's name is one that W&B's programs take apart; results do not say when they began.
        let place = folder.join(format!("offline-run-19700101_000000-{id}"));
        let bytes = write_w_and_b(records(results, &cell).iter().map(Message::encode_to_vec));
        put(&place.join(format!("run-{id}.wandb")), &bytes)?;
        std::fs::create_dir_all(place.join("files")).map_err(ReportError::write(&place))?;
        runs += 1;
    }
    Ok(runs)
}

fn records(results: &SweepResults, cell: &Written<'_>) -> Vec<Record> {
    let item = |(name, value): &(String, String)| ConfigItem {
        key: name.clone(),
        nested_key: Vec::new(),
        value_json: json(value),
    };
    let mut records = vec![
        Record {
            header: Some(Header {
                version_info: Some(VersionInfo {
                    producer: format!("gcl-sweep {}", env!("CARGO_PKG_VERSION")),
                    min_consumer: CONSUMER.to_owned(),
                }),
            }),
            ..Record::default()
        },
        Record {
            run: Some(RunRecord {
                run_id: cell.id[..8].to_owned(),
                project: project(&results.name),
                config: Some(Config {
                    update: cell.parameters.iter().map(item).collect(),
                }),
                run_group: cell.result.cell.variant.clone(),
                display_name: cell.name.clone(),
            }),
            ..Record::default()
        },
    ];
    let epochs = cell.epochs();
    for (step, numbers) in (0..).zip(&epochs) {
        let numbers = numbers
            .iter()
            .map(|(name, number)| (name.clone(), format!("{number:?}")));
        let items = numbers.chain([("_step".to_owned(), step.to_string())]);
        records.push(Record {
            history: Some(History {
                item: items
                    .map(|(name, value_json)| HistoryItem {
                        nested_key: vec![name],
                        value_json,
                        ..HistoryItem::default()
                    })
                    .collect(),
                step: Some(Step { num: step }),
            }),
            ..Record::default()
        });
    }
    if let Some(last) = epochs.last() {
        let update = last.iter().map(|(name, number)| ConfigItem {
            key: name.clone(),
            nested_key: Vec::new(),
            value_json: format!("{number:?}"),
        });
        records.push(Record {
            summary: Some(Config {
                update: update.collect(),
            }),
            ..Record::default()
        });
    }
    records.push(Record {
        exit: Some(Exit {
            exit_code: i32::from(cell.result.record.is_none()),
        }),
        ..Record::default()
    });
    for (number, record) in (1..).zip(&mut records) {
        record.num = number;
    }
    records
}

/// Numbers and truths stay what they are; other texts are JSON's.
fn json(value: &str) -> String {
    let is_plain = matches!(
        serde_json::from_str::<serde_json::Value>(value),
        Ok(serde_json::Value::Number(_) | serde_json::Value::Bool(_))
    );
    if is_plain {
        value.to_owned()
    } else {
        serde_json::Value::from(value).to_string()
    }
}

/// A project's name without what W&B refuses in one.
fn project(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| {
            if "/\\#?%:".contains(letter) {
                '-'
            } else {
                letter
            }
        })
        .collect();
    plain.chars().take(128).collect()
}
