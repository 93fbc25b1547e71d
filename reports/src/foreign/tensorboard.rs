//! TensorBoard's event files: the scalars of a run are those of its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost::Message;

use super::framed::tensorflow;
use super::run::{Found, Run};
use super::{fault, records};
use crate::error::ReportError;

/// `tensorflow.Event`, what is read of it.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<Tensor>,
}

/// `tensorflow.TensorProto`: a scalar of TensorFlow 2 is a tensor without dimensions.
#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(bytes = "vec", tag = "4")]
    content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    floats: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    doubles: Vec<f64>,
}

const FLOAT: i32 = 1;
const DOUBLE: i32 = 2;

impl SummaryValue {
    fn number(&self) -> Option<f64> {
        if let Some(value) = self.simple_value {
            // The f64 of the shortest text of the f32: 0.7 and not 0.699999988079071.
            return value.to_string().parse().ok();
        }
        let tensor = self.tensor.as_ref()?;
        let single = |value: f32| value.to_string().parse().ok();
        match (tensor.kind, &tensor.floats[..], &tensor.doubles[..]) {
            (FLOAT, [value], _) => single(*value),
            (DOUBLE, _, [value]) => Some(*value),
            (FLOAT, [], _) => single(f32::from_le_bytes(
                tensor.content.as_slice().try_into().ok()?,
            )),
            (DOUBLE, _, []) => Some(f64::from_le_bytes(
                tensor.content.as_slice().try_into().ok()?,
            )),
            _ => None,
        }
    }
}

/// Whether a file is called like theirs.
pub(super) fn is_events(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.contains("tfevents"))
}

/// Reads them: a folder is a run, whose files go on where one ended.
pub(super) fn read(root: &Path, events: &[&PathBuf]) -> Result<Found, ReportError> {
    let mut runs: BTreeMap<String, Run> = BTreeMap::new();
    let mut notes = Vec::new();
    for path in events {
        let folder = path.parent().unwrap_or(root);
        let name = folder
            .strip_prefix(root)
            .unwrap_or(folder)
            .display()
            .to_string();
        let run = runs
            .entry(name.clone())
            .or_insert_with(|| Run::new(folder.display().to_string(), name));
        for record in records(path, tensorflow, &mut notes)? {
            let event = Event::decode(record.as_slice())
                .map_err(|error| fault(path, format!("it is no event file: {error}")))?;
            for value in event.summary.iter().flat_map(|summary| &summary.value) {
                if let Some(number) = value.number() {
                    let points = run.metrics.entry(value.tag.clone()).or_default();
                    points.push((event.step, number));
                }
            }
        }
    }
    let name = root.file_name().map_or_else(
        || "tensorboard".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let mut runs: Vec<Run> = runs.into_values().collect();
    runs.iter_mut().for_each(Run::settle);
    Ok(Found {
        program: "TensorBoard",
        name,
        runs,
        notes,
    })
}
