//! The tables as Parquet, for programs that would rather not guess types.
//!
//! Columns of names and messages are texts whatever they hold; of the others, those whose values all read as whole numbers,
//! numbers or booleans are that. What is empty in the CSV is null.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::error::ReportError;

/// Columns that are texts even where every value looks like a number.
const TEXTS: [&str; 8] = [
    "sweep", "variant", "job_id", "status", "phase", "device", "worker", "error",
];

#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Text,
}

/// The bytes of a Parquet file with the lines of `table`, a CSV text of this crate.
pub fn write_parquet(table: &str) -> Result<Vec<u8>, ReportError> {
    let fault = |message: String| ReportError::Parquet { message };
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header: Vec<String> = reader
        .headers()
        .map_err(|error| fault(error.to_string()))?
        .iter()
        .map(str::to_owned)
        .collect();
    let rows: Vec<csv::StringRecord> = reader
        .into_records()
        .collect::<Result<_, _>>()
        .map_err(|error| fault(error.to_string()))?;
    write(&header, &rows).map_err(|error| fault(error.to_string()))
}

fn write(header: &[String], rows: &[csv::StringRecord]) -> Result<Vec<u8>, ParquetError> {
    let kinds: Vec<Kind> = header
        .iter()
        .enumerate()
        .map(|(index, name)| kind(name, || rows.iter().filter_map(move |row| row.get(index))))
        .collect();
    let fields = header
        .iter()
        .zip(&kinds)
        .map(|(name, kind)| {
            let (physical, logical) = match kind {
                Kind::Integer => (Physical::INT64, None),
                Kind::Number => (Physical::DOUBLE, None),
                Kind::Boolean => (Physical::BOOLEAN, None),
                Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            };
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        })
        .collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("table")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by(concat!("gcl-sweep ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (index, kind) in kinds.into_iter().enumerate() {
        let texts = || rows.iter().map(move |row| row.get(index).unwrap_or(""));
        match kind {
            Kind::Integer => column::<Int64Type>(&mut group, texts(), |text| text.parse().ok())?,
            Kind::Number => column::<DoubleType>(&mut group, texts(), |text| text.parse().ok())?,
            Kind::Boolean => column::<BoolType>(&mut group, texts(), |text| text.parse().ok())?,
            Kind::Text => {
                column::<ByteArrayType>(&mut group, texts(), |text| Some(ByteArray::from(text)))?;
            }
        }
    }
    group.close()?;
    writer.into_inner()
}

/// What all values of a column read as; empty ones read as anything.
fn kind<'a, I: Iterator<Item = &'a str>>(name: &str, values: impl Fn() -> I) -> Kind {
    let all = |reads: fn(&str) -> bool| values().filter(|text| !text.is_empty()).all(reads);
    if TEXTS.contains(&name) {
        Kind::Text
    } else if values().all(str::is_empty) {
        // Nothing in it: AUCs of a sweep that has none yet must not change their type when one comes.
        Kind::Number
    } else if all(|text| text.parse::<bool>().is_ok()) {
        Kind::Boolean
    } else if INTEGERS.contains(&name) && all(|text| text.parse::<i64>().is_ok()) {
        Kind::Integer
    } else if all(|text| text.parse::<f64>().is_ok()) {
        Kind::Number
    } else {
        Kind::Text
    }
}

/// Columns of whole numbers. Others are floating point even where one sweep has whole values alone, so that the files of two
/// sweeps go together.
const INTEGERS: [&str; 9] = [
    "seed", "epochs", "epoch", "attempts", "n", "failed", "expected", "missing", "auc_n",
];

fn column<'a, D: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    texts: impl Iterator<Item = &'a str>,
    read: impl Fn(&str) -> Option<D::T>,
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut present = Vec::new();
    for text in texts {
        let value = if text.is_empty() { None } else { read(text) };
        present.push(i16::from(value.is_some()));
        values.extend(value);
    }
    let mut writer = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns than the schema has".into()))?;
    writer
        .typed::<D>()
        .write_batch(&values, Some(&present), None)?;
    writer.close()
}
