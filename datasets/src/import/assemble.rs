//! Lists and features put together into a folder of our layout.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use half::f16;

use super::names;
use super::request::{Import, ImportError, ImportReport, ImportedSplit, Request, Wanted};
use super::source::{Files, Source, Span, index};
use crate::dataset::Metadata;
use crate::error::Faults;
use crate::npy::{self, Kind};
use crate::write::{self, Row, WriteError};

/// Writes the data set of an import.
pub(super) fn assemble(import: Import<'_>) -> Result<ImportReport, ImportError> {
    let Import {
        request,
        train,
        test,
        source,
        licence,
        mut notes,
        mut faults,
    } = import;
    check_settings(request, &mut faults);
    each_once(&train, &test, &mut faults);
    let files = index(&request.features, &mut faults);
    let mut builder = Builder {
        request,
        files,
        shape: None,
        missing: Vec::new(),
        repeated: Vec::new(),
        dropped: Vec::new(),
        derived: 0,
        faults,
    };
    // Everything is looked at before anything is written: gigabytes should not be copied for a fault in the last file.
    let train = builder.check(train);
    let test = builder.check(test);
    let Some((crops, dimension, _)) = builder.shape.take().filter(|_| !builder.faults.any()) else {
        if !builder.faults.any() {
            builder
                .faults
                .add(&request.features, "has features of none of the videos");
        }
        return Err(ImportError::Faults(builder.faults.into_error()));
    };
    builder.notes(&mut notes);
    let metadata = Metadata {
        name: request.name.clone(),
        feature_dim: dimension,
        frames_per_segment: request.frames_per_segment,
        extractor: request.extractor.clone(),
        source: source.to_owned(),
        licence: licence.to_owned(),
    };
    let mut faults = builder.faults;
    write::whole_folder(&request.out, |folder| -> Result<(), ImportError> {
        let wrap = |cause| WriteError::new(&request.out, cause);
        fs::create_dir_all(folder.join("features")).map_err(wrap)?;
        write::metadata(folder, &metadata, false, &notes).map_err(wrap)?;
        for (list, videos) in [("train.csv", &train), ("test.csv", &test)] {
            let mut rows = Vec::with_capacity(videos.len());
            for video in videos {
                let row = copy(
                    request.link,
                    request.frames_per_segment,
                    video,
                    folder,
                    &mut faults,
                );
                rows.push(row.map_err(wrap)?);
            }
            write::list(folder, list, &rows).map_err(wrap)?;
        }
        if faults.any() {
            let faults = std::mem::replace(&mut faults, Faults::new(&request.features));
            return Err(ImportError::Faults(faults.into_error()));
        }
        // What was made passes the same door as every other data set, before it gets its name.
        crate::open(folder).map_err(ImportError::Faults)?;
        Ok(())
    })?;
    let dataset = crate::open(&request.out).map_err(ImportError::Faults)?;
    Ok(ImportReport {
        name: metadata.name,
        digest: dataset.digest,
        dimension,
        crops,
        train: counted(&dataset.train),
        test: counted(&dataset.test),
        notes,
    })
}

fn check_settings(request: &Request, faults: &mut Faults) {
    let out = &request.out;
    if request.name.trim().is_empty() {
        faults.add(out, "the data set needs a name");
    }
    if !(1..=100_000).contains(&request.frames_per_segment) {
        faults.add(
            out,
            format_args!(
                "{} frames a segment are out of range [1, 100000]",
                request.frames_per_segment
            ),
        );
    }
}

fn counted(split: &crate::Split) -> ImportedSplit {
    ImportedSplit {
        videos: split.videos.len(),
        anomalous: split
            .videos
            .iter()
            .filter(|video| video.label == Some(true))
            .count(),
        segments: split.segments(),
        frames: split.frames(),
    }
}

/// A video stands once in one list.
fn each_once(train: &[Wanted], test: &[Wanted], faults: &mut Faults) {
    let mut seen: BTreeMap<&str, &Wanted> = BTreeMap::new();
    for video in train.iter().chain(test) {
        if let Some(first) = seen.insert(names::key(&video.name), video) {
            faults.add(
                &video.list,
                format_args!(
                    "line {}: the video `{}` stands in {} line {} already",
                    video.line,
                    video.name,
                    first.list.display(),
                    first.line
                ),
            );
        }
    }
}

struct Builder<'a> {
    request: &'a Request,
    files: BTreeMap<String, Files>,
    /// Crops and dimension of the first video, and its file.
    shape: Option<(usize, usize, String)>,
    missing: Vec<String>,
    repeated: Vec<String>,
    dropped: Vec<String>,
    /// Videos whose frames follow from their segments.
    derived: usize,
    faults: Faults,
}

impl Builder<'_> {
    /// The videos that have features, each looked at as far as headers go.
    fn check(&mut self, wanted: Vec<Wanted>) -> Vec<(Wanted, Files)> {
        let mut videos = Vec::with_capacity(wanted.len());
        for mut video in wanted {
            let Some(files) = self.files.get(names::key(&video.name)) else {
                if !self.request.skip_missing {
                    self.faults.add(
                        &video.list,
                        format_args!(
                            "line {}: there are no features of `{}` in {}",
                            video.line,
                            video.name,
                            self.request.features.display()
                        ),
                    );
                }
                self.missing.push(video.name);
                continue;
            };
            match Source::open(files, video.frames, self.request.frames_per_segment) {
                Ok(source) => {
                    let files = files.clone();
                    self.take(&mut video, &files, &source);
                    videos.push((video, files));
                }
                Err((path, what)) => self.faults.add(&path, what),
            }
        }
        videos
    }

    fn take(&mut self, video: &mut Wanted, files: &Files, source: &Source) {
        if video.frames.is_none() {
            self.derived += 1;
            if let Some(end) = video.anomalous.last().map(|range| range.end)
                && end > source.frames
            {
                self.faults.add(
                    &video.list,
                    format_args!(
                        "line {}: the truth of `{}` reaches frame {end}, its segments frame {}; give a list that knows its \
                         number of frames",
                        video.line, video.name, source.frames
                    ),
                );
            }
        }
        video.frames = Some(source.frames);
        if source.span == Span::Bins {
            self.repeated.push(video.name.clone());
        }
        if source.dropped > 0 {
            self.dropped.push(video.name.clone());
        }
        match &self.shape {
            None => self.shape = Some((source.crops, source.dim, files.shown())),
            Some((crops, dim, first)) => {
                if (*crops, *dim) != (source.crops, source.dim) {
                    let what = format!(
                        "has {} crops of {} features, but {} has {crops} of {dim}",
                        source.crops, source.dim, first
                    );
                    let (path, what) = files.fault(&what);
                    self.faults.add(&path, what);
                }
            }
        }
    }

    fn notes(&self, notes: &mut Vec<String>) {
        if !self.missing.is_empty() {
            notes.push(format!(
                "left out for want of features: {}",
                some_of(&self.missing)
            ));
        }
        if !self.repeated.is_empty() {
            notes.push(format!(
                "32 rows for a whole video were repeated over its segments: {}",
                some_of(&self.repeated)
            ));
        }
        if !self.dropped.is_empty() {
            notes.push(format!(
                "segments beyond the last frame were dropped: {}",
                some_of(&self.dropped)
            ));
        }
        if self.derived > 0 {
            notes.push(format!(
                "no list knows the number of frames of {} videos: {} a segment were taken",
                self.derived, self.request.frames_per_segment
            ));
        }
    }
}

/// The first names of a list, and how many there are.
pub(super) fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=3 => shown,
        all => format!("{shown} … ({all} videos)"),
    }
}

/// Copies, links or rewrites a video's features into the folder.
fn copy(
    link: bool,
    per_segment: u32,
    (video, files): &(Wanted, Files),
    folder: &Path,
    faults: &mut Faults,
) -> io::Result<Row> {
    let file = format!("features/{}.npy", video.name);
    let target = folder.join(&file);
    // It was opened before; that it no longer can be is the system's doing.
    let source = Source::open(files, video.frames, per_segment)
        .map_err(|(path, what)| io::Error::other(format!("{}: {what}", path.display())))?;
    if let Some(plain) = &source.plain {
        if link {
            link_to(&fs::canonicalize(plain)?, &target)?;
        } else {
            fs::copy(plain, &target)?;
        }
    }
    let mut out = match source.plain {
        None => Some(BufWriter::new(fs::File::create_new(&target)?)),
        Some(_) => None,
    };
    if let Some(out) = &mut out {
        let kind = if source.half { Kind::F16 } else { Kind::F32 };
        let shape = [source.segments, source.crops, source.dim];
        let header = match shape {
            [segments, 1, dim] => npy::header(kind, &[segments, dim]),
            _ => npy::header(kind, &shape),
        };
        out.write_all(&header)?;
    }
    let mut row = vec![0.0; source.crops * source.dim];
    for segment in 0..source.segments {
        source.copy_segment(segment, &mut row);
        if row.iter().any(|number| !number.is_finite()) {
            let (path, what) = files.fault(&format!(
                "has a number that is NaN or infinite (in f32) in segment {segment}"
            ));
            faults.add(&path, what);
            break;
        }
        let Some(out) = &mut out else { continue };
        for number in &row {
            if source.half {
                out.write_all(&f16::from_f32(*number).to_le_bytes())?;
            } else {
                out.write_all(&number.to_le_bytes())?;
            }
        }
    }
    if let Some(mut out) = out {
        out.flush()?;
    }
    Ok(Row {
        video: video.name.clone(),
        features: file,
        frames: source.frames,
        label: video.label,
        anomalous: video.anomalous.clone(),
    })
}

#[cfg(unix)]
fn link_to(original: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

#[cfg(not(unix))]
fn link_to(original: &Path, link: &Path) -> io::Result<()> {
    fs::copy(original, link).map(|_| ())
}
