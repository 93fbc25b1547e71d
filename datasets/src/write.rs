//! A data set into a folder, in the layout that [`crate::open`] reads.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use npyz::WriterBuilder;

use crate::dataset::{Dataset, Split, Video};

/// A folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the data set {}: {cause}", .path.display())]
pub struct WriteError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// Writes the data set into `folder`, which must not exist (or be empty). It is made beside it and renamed, so that a
/// folder of that name is always whole.
///
/// # Errors
/// What the system says.
pub fn write(dataset: &Dataset, folder: &Path) -> Result<(), WriteError> {
    let fault = |cause| WriteError {
        path: folder.to_owned(),
        cause,
    };
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(fault(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it exists already: remove it, or give another name",
        )));
    }
    let name = folder.file_name().map_or_else(
        || "dataset".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    let beside = folder.with_file_name(format!("{name}.part-{}", std::process::id()));
    let written = write_into(dataset, &beside).and_then(|()| {
        if folder.is_dir() {
            fs::remove_dir(folder)?;
        }
        fs::rename(&beside, folder)
    });
    written.map_err(|cause| {
        let _ = fs::remove_dir_all(&beside);
        fault(cause)
    })
}

fn write_into(dataset: &Dataset, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("features"))?;
    let metadata = &dataset.metadata;
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
    if dataset.synthetic {
        table.insert("synthetic".into(), true.into());
    }
    fs::write(folder.join("dataset.toml"), table.to_string())?;
    list(folder, "train.csv", &dataset.train)?;
    list(folder, "test.csv", &dataset.test)
}

fn list(folder: &Path, name: &str, split: &Split) -> io::Result<()> {
    let mut list = csv::Writer::from_path(folder.join(name))?;
    list.write_record(["video", "features", "frames", "label", "anomalous_frames"])?;
    for video in &split.videos {
        let file = format!("features/{}.npy", file_name(&video.name));
        features(&folder.join(&file), video)?;
        let ranges: Vec<String> = video
            .anomalous
            .iter()
            .map(|range| format!("{}-{}", range.start, range.end))
            .collect();
        let label = video
            .label
            .map_or("", |label| if label { "1" } else { "0" });
        list.write_record([
            &video.name,
            &file,
            &video.frames.to_string(),
            label,
            &ranges.join(";"),
        ])?;
    }
    list.flush()
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
    let shape: Vec<u64> = if crops == 1 {
        vec![segments as u64, dim as u64]
    } else {
        vec![segments as u64, crops as u64, dim as u64]
    };
    let mut out = BufWriter::new(File::create_new(path)?);
    let mut writer = npyz::WriteOptions::<f32>::new()
        .default_dtype()
        .shape(&shape)
        .writer(&mut out)
        .begin_nd()?;
    let mut row = vec![0.0; crops * dim];
    for segment in 0..segments {
        video.copy_rows_f32(segment..segment + 1, &mut row);
        writer.extend(row.iter().copied())?;
    }
    writer.finish()?;
    out.flush()
}
