//! A data set into a folder, in the layout that [`crate::open()`] reads.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use crate::dataset::{Dataset, Metadata, Split, Video};
use crate::list::HEADER;
use crate::new_folder::NewFolder;
use crate::npy::{self, Kind};
use crate::write_error::WriteError;

/// Writes the data set into `folder`, which must not exist (or be empty). It is made beside it and renamed, or within it, so
/// that a data set of that name is always whole.
///
/// # Errors
/// What the system says.
pub fn write(dataset: &Dataset, folder: &Path) -> Result<(), WriteError> {
    let new = NewFolder::begin(folder)?;
    write_into(dataset, new.path()).map_err(|cause| WriteError::new(folder, cause))?;
    new.finish()
}

fn write_into(dataset: &Dataset, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("features"))?;
    metadata(folder, &dataset.metadata, dataset.synthetic, &dataset.notes)?;
    let mut files = BTreeSet::new();
    for (name, split) in [("train.csv", &dataset.train), ("test.csv", &dataset.test)] {
        list(folder, name, &rows(folder, split, &mut files)?)?;
    }
    Ok(())
}

/// Writes `dataset.toml`.
pub(crate) fn metadata(
    folder: &Path,
    metadata: &Metadata,
    synthetic: bool,
    notes: &[String],
) -> io::Result<()> {
    let mut table = toml::Table::new();
    table.insert("name".into(), metadata.name.clone().into());
    table.insert(
        "feature_dim".into(),
        toml::Value::Integer(metadata.feature_dim as i64),
    );
    table.insert(
        "frames_per_segment".into(),
        toml::Value::Integer(i64::from(metadata.frames_per_segment)),
    );
    table.insert("extractor".into(), metadata.extractor.clone().into());
    table.insert("source".into(), metadata.source.clone().into());
    table.insert("licence".into(), metadata.licence.clone().into());
    if synthetic {
        table.insert("synthetic".into(), true.into());
    }
    if !notes.is_empty() {
        table.insert("notes".into(), notes.to_vec().into());
    }
    fs::write(folder.join("dataset.toml"), table.to_string())
}

/// A line of a list.
pub(crate) struct Row {
    pub(crate) video: String,
    pub(crate) features: String,
    pub(crate) frames: u32,
    pub(crate) label: Option<bool>,
    pub(crate) anomalous: Vec<Range<u32>>,
}

/// Writes `train.csv` or `test.csv`.
pub(crate) fn list(folder: &Path, name: &str, rows: &[Row]) -> io::Result<()> {
    let mut list = csv::Writer::from_path(folder.join(name))?;
    list.write_record(HEADER)?;
    for row in rows {
        let ranges: Vec<String> = row
            .anomalous
            .iter()
            .map(|range| format!("{}-{}", range.start, range.end))
            .collect();
        let label = row.label.map_or("", |label| if label { "1" } else { "0" });
        list.write_record([
            &row.video,
            &row.features,
            &row.frames.to_string(),
            label,
            &ranges.join(";"),
        ])?;
    }
    list.flush()
}

/// Writes the features of a split.
fn rows(folder: &Path, split: &Split, files: &mut BTreeSet<String>) -> io::Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(split.videos.len());
    for video in &split.videos {
        let mut name = file_name(&video.name);
        // Two names can differ in what a file's name cannot hold, or in case alone, which some file systems ignore.
        while !files.insert(name.to_lowercase()) {
            name.push('_');
        }
        let file = format!("features/{name}.npy");
        features(&folder.join(&file), video)?;
        rows.push(Row {
            video: video.name.clone(),
            features: file,
            frames: video.frames,
            label: video.label,
            anomalous: video.anomalous.clone(),
        });
    }
    Ok(rows)
}

/// A video's name as a file's.
fn file_name(video: &str) -> String {
    video
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || "._-".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

fn features(path: &Path, video: &Video) -> io::Result<()> {
    let (segments, crops, dim) = (video.segments(), video.crops(), video.features.dim);
    let mut out = BufWriter::new(File::create_new(path)?);
    out.write_all(&if crops == 1 {
        npy::header(Kind::F32, &[segments, dim])
    } else {
        npy::header(Kind::F32, &[segments, crops, dim])
    })?;
    let mut row = vec![0.0; crops * dim];
    for segment in 0..segments {
        video.copy_rows_f32(segment..segment + 1, &mut row);
        for number in &row {
            out.write_all(&number.to_le_bytes())?;
        }
    }
    out.flush()
}
