//! Values, data sources and jobs.

use std::collections::BTreeMap;

use sweeps::{DatasetSource, JobSpec, Parameters, Value};

use crate::error::WireError;
use crate::limits::{NAME_BYTES, PARAMETERS, TEXT_BYTES, VALUE_DEPTH, VALUE_ENTRIES};
use crate::number::{at_most, finite, required, text};
use crate::wire;

impl From<&Value> for wire::Value {
    fn from(value: &Value) -> Self {
        use wire::value::Kind;
        Self {
            kind: Some(match value {
                Value::Boolean(value) => Kind::Boolean(*value),
                Value::Integer(value) => Kind::Integer(*value),
                Value::Float(value) => Kind::Float(*value),
                Value::Text(value) => Kind::Text(value.clone()),
                Value::List(values) => Kind::List(wire::ValueList {
                    values: values.iter().map(Into::into).collect(),
                }),
                Value::Table(entries) => Kind::Table(wire::ValueTable {
                    entries: entries
                        .iter()
                        .map(|(key, value)| (key.clone(), value.into()))
                        .collect(),
                }),
            }),
        }
    }
}

impl TryFrom<wire::Value> for Value {
    type Error = WireError;
    fn try_from(value: wire::Value) -> Result<Self, WireError> {
        from_wire(value, VALUE_DEPTH)
    }
}

fn from_wire(value: wire::Value, depth: usize) -> Result<Value, WireError> {
    use wire::value::Kind;
    let deeper = depth.checked_sub(1).ok_or(WireError::TooDeep);
    Ok(match required("value", value.kind)? {
        Kind::Boolean(value) => Value::Boolean(value),
        Kind::Integer(value) => Value::Integer(value),
        Kind::Float(value) => Value::Float(finite("value", value)?),
        Kind::Text(value) => Value::Text(text("value", value, TEXT_BYTES)?),
        Kind::List(list) => {
            at_most("value", list.values.len(), VALUE_ENTRIES)?;
            let depth = deeper?;
            Value::List(
                list.values
                    .into_iter()
                    .map(|value| from_wire(value, depth))
                    .collect::<Result<_, _>>()?,
            )
        }
        Kind::Table(table) => {
            at_most("value", table.entries.len(), VALUE_ENTRIES)?;
            let depth = deeper?;
            Value::Table(
                table
                    .entries
                    .into_iter()
                    .map(|(key, value)| {
                        Ok((text("value", key, NAME_BYTES)?, from_wire(value, depth)?))
                    })
                    .collect::<Result<BTreeMap<_, _>, WireError>>()?,
            )
        }
    })
}

impl From<&DatasetSource> for wire::DatasetSource {
    fn from(source: &DatasetSource) -> Self {
        use wire::dataset_source::Source;
        Self {
            source: Some(match source {
                DatasetSource::Named(name) => Source::Named(name.clone()),
                DatasetSource::Video(extraction) => Source::Video(extraction.as_ref().into()),
                DatasetSource::Synthetic(synthetic) => Source::Synthetic(synthetic.into()),
            }),
        }
    }
}

impl TryFrom<wire::DatasetSource> for DatasetSource {
    type Error = WireError;
    fn try_from(source: wire::DatasetSource) -> Result<Self, WireError> {
        use wire::dataset_source::Source;
        Ok(match required("dataset.source", source.source)? {
            Source::Named(name) => Self::Named(text("dataset.named", name, NAME_BYTES)?),
            Source::Video(extraction) => Self::Video(Box::new(extraction.try_into()?)),
            Source::Synthetic(synthetic) => Self::Synthetic(synthetic.try_into()?),
        })
    }
}

impl From<&JobSpec> for wire::JobSpec {
    fn from(job: &JobSpec) -> Self {
        Self {
            dataset: Some((&job.dataset).into()),
            seed: job.seed,
            parameters: job
                .parameters
                .iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        }
    }
}

impl TryFrom<wire::JobSpec> for JobSpec {
    type Error = WireError;
    fn try_from(job: wire::JobSpec) -> Result<Self, WireError> {
        at_most("job.parameters", job.parameters.len(), PARAMETERS)?;
        let mut parameters = Parameters::default();
        for (name, value) in job.parameters {
            parameters.set(&name, &value.try_into()?)?;
        }
        Ok(Self {
            dataset: required("job.dataset", job.dataset)?.try_into()?,
            seed: job.seed,
            parameters,
        })
    }
}
