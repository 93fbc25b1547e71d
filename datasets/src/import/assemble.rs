//! Lists and features put together into a folder of our layout.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use half::f16;

use super::found::{Files, Index};
use super::names;
use super::request::{
    ExtraRows, Import, ImportError, ImportReport, ImportedSplit, Request, Wanted,
};
use super::source::{Rules, Source, Span};
use super::summary::{counted, some_of};
use crate::dataset::Metadata;
use crate::error::Faults;
use crate::new_folder::NewFolder;
use crate::npy::{self, Kind};
use crate::open::{Maps, open_with};
use crate::write::{self, Row};
use crate::write_error::WriteError;

/// Writes the data set of an import.
pub(super) fn assemble(import: Import<'_>) -> Result<ImportReport, ImportError> {
    let Import {
        request,
        train,
        test,
        source,
        licence,
        slack,
        whole_names,
        mut notes,
        mut faults,
    } = import;
    // Whether there can be such a folder is known before the work.
    let new = NewFolder::begin(&request.out)?;
    check_settings(request, &mut faults);
    each_once(&train, &test, &mut faults);
    let index = Index::of(&request.features, whole_names, &mut faults);
    let mut builder = Builder {
        request,
        index,
        missing: Vec::new(),
        incomplete: Vec::new(),
        repeated: Vec::new(),
        dropped: Vec::new(),
        extra: [Vec::new(), Vec::new()],
        derived: 0,
        slack,
        clipped: Vec::new(),
        faults,
    };
    // Everything is looked at before anything is written: gigabytes should not be copied for a fault in the last file.
    let train = builder.check(train, false);
    let test = builder.check(test, true);
    builder.suspects();
    let shape = builder.common_shape(&train, &test);
    let Some((crops, dimension)) = shape.filter(|_| !builder.faults.any()) else {
        if !builder.faults.any() {
            builder
                .faults
                .add(&request.features, "has features of none of the videos");
        }
        return Err(ImportError::Faults(builder.faults.into_error()));
    };
    builder.notes(&mut notes);
    let mut described = vec![taken("training", &train), taken("test", &test)];
    described.extend(notes.iter().cloned());
    let metadata = Metadata {
        name: request.name.clone(),
        feature_dim: dimension,
        frames_per_segment: request.frames_per_segment,
        extractor: request.extractor.clone(),
        source: source.to_owned(),
        licence: licence.to_owned(),
    };
    let mut faults = builder.faults;
    let wrap = |cause| ImportError::Write(WriteError::new(&request.out, cause));
    let folder = new.path();
    fs::create_dir_all(folder.join("features")).map_err(wrap)?;
    write::metadata(folder, &metadata, false, &described).map_err(wrap)?;
    for (list, videos, test) in [("train.csv", &train, false), ("test.csv", &test, true)] {
        let rules = rules(request, test);
        let mut rows = Vec::with_capacity(videos.len());
        for video in videos {
            let row = copy(request.link, rules, video, folder, &mut faults);
            rows.push(row.map_err(wrap)?);
        }
        write::list(folder, list, &rows).map_err(wrap)?;
    }
    if faults.any() {
        return Err(ImportError::Faults(faults.into_error()));
    }
    // What was made passes the same door as every other data set, before it gets its name.
    let dataset = open_with(folder, Maps::OneByOne).map_err(ImportError::Faults)?;
    new.finish()?;
    Ok(ImportReport {
        name: metadata.name,
        digest: dataset.digest,
        dimension,
        crops,
        train: split(&dataset.train),
        test: split(&dataset.test),
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

fn split(split: &crate::Split) -> ImportedSplit {
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

fn rules(request: &Request, test: bool) -> Rules {
    Rules {
        per_segment: request.frames_per_segment,
        extra_rows: request.extra_rows,
        test,
    }
}

/// A video whose features were looked at as far as headers go.
struct Checked {
    video: Wanted,
    files: Files,
    crops: usize,
    dim: usize,
}

fn taken(kind: &str, videos: &[Checked]) -> String {
    let anomalous = videos
        .iter()
        .filter(|checked| checked.video.label == Some(true))
        .count();
    format!(
        "taken: {} {kind} videos ({anomalous} anomalous)",
        videos.len()
    )
}

struct Builder<'a> {
    request: &'a Request,
    index: Index,
    missing: Vec<String>,
    incomplete: Vec<String>,
    repeated: Vec<String>,
    dropped: Vec<String>,
    /// Videos with more rows than frames allow: trained on, tested on.
    extra: [Vec<String>; 2],
    /// Videos whose frames follow from their segments.
    derived: usize,
    /// See [`Import::slack`].
    slack: u32,
    /// Videos whose truth was clipped at their last segment.
    clipped: Vec<String>,
    faults: Faults,
}

impl Builder<'_> {
    /// The videos that have features, each looked at as far as headers go.
    fn check(&mut self, wanted: Vec<Wanted>, test: bool) -> Vec<Checked> {
        let rules = rules(self.request, test);
        let mut videos = Vec::with_capacity(wanted.len());
        for mut video in wanted {
            let key = names::key(&video.name);
            let Some(files) = self.index.take(key) else {
                if !self.request.skip_missing {
                    let hint = self.index.archive(key).map_or(String::new(), |name| {
                        format!("; {name} is not read: save its array with numpy.save")
                    });
                    self.faults.add(
                        &video.list,
                        format_args!(
                            "line {}: there are no features of `{}` in {}{hint}",
                            video.line,
                            video.name,
                            self.request.features.display()
                        ),
                    );
                }
                self.missing.push(video.name);
                continue;
            };
            if self.request.skip_missing && matches!(files, Files::Incomplete(..)) {
                self.incomplete.push(video.name);
                continue;
            }
            match Source::open(&files, video.frames, rules) {
                Ok(source) => {
                    self.take(&mut video, &source, test);
                    videos.push(Checked {
                        video,
                        files,
                        crops: source.crops,
                        dim: source.dim,
                    });
                }
                Err((path, what)) => self.faults.add(&path, what),
            }
        }
        videos
    }

    /// Files that cannot be read may be why videos are missing.
    fn suspects(&mut self) {
        if !self.missing.is_empty() && !self.request.skip_missing {
            for (path, what) in self.index.unread() {
                self.faults.add(path, what);
            }
        }
    }

    /// Crops and dimension of most videos; those of another shape are at fault, not the others.
    fn common_shape(&mut self, train: &[Checked], test: &[Checked]) -> Option<(usize, usize)> {
        let mut shapes: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for video in train.iter().chain(test) {
            *shapes.entry((video.crops, video.dim)).or_default() += 1;
        }
        let most = *shapes.values().max()?;
        let of = |video: &Checked| (video.crops, video.dim);
        let model = train
            .iter()
            .chain(test)
            .find(|video| shapes.get(&of(video)) == Some(&most))?;
        let (crops, dim) = of(model);
        for video in train.iter().chain(test) {
            if of(video) != (crops, dim) {
                let (path, what) = video.files.fault(&format!(
                    "is of `{}`, which has {} crops of {} features, but {most} videos have {crops} of {dim}, such as {}",
                    video.video.name,
                    video.crops,
                    video.dim,
                    model.files.shown()
                ));
                self.faults.add(&path, what);
            }
        }
        Some((crops, dim))
    }

    fn take(&mut self, video: &mut Wanted, source: &Source, test: bool) {
        if video.frames.is_none() {
            self.derived += 1;
            if let Some(end) = video.anomalous.last().map(|range| range.end)
                && end > source.frames
            {
                let last = video.anomalous.last_mut();
                if let Some(range) = last
                    && end - source.frames <= self.slack
                    && range.start < source.frames
                {
                    range.end = source.frames;
                    self.clipped.push(video.name.clone());
                } else {
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
        }
        video.frames = Some(source.frames);
        if source.span == Span::Bins {
            self.repeated.push(video.name.clone());
        }
        if source.extra {
            self.extra[usize::from(test)].push(video.name.clone());
        } else if source.dropped > 0 {
            self.dropped.push(video.name.clone());
        }
    }

    fn notes(&self, notes: &mut Vec<String>) {
        let mut say = |what: &str, names: &[String]| {
            if !names.is_empty() {
                notes.push(format!("{what}: {}", some_of(names)));
            }
        };
        say("left out for want of features", &self.missing);
        say("left out for want of a crop", &self.incomplete);
        say(
            "32 rows for a whole video were repeated over its segments",
            &self.repeated,
        );
        say(
            "anomalous frames after the last segment were clipped",
            &self.clipped,
        );
        say("segments beyond the last frame were dropped", &self.dropped);
        for (kind, names) in ["training", "test"].iter().zip(&self.extra) {
            if names.is_empty() {
                continue;
            }
            let what = match self.request.extra_rows {
                ExtraRows::Keep => {
                    "have more rows than their frames allow; all were taken, and their frames counted from them \
                     (--extra-rows keep)"
                }
                _ => {
                    "have more rows than their frames allow; those past the last frame were left out (--extra-rows drop)"
                }
            };
            // A truth may have slid: each such test video is named.
            let names = if *kind == "test" {
                format!("{} ({})", names.len(), names.join(", "))
            } else {
                counted(names)
            };
            notes.push(format!("{kind} videos that {what}: {names}"));
        }
        if self.derived > 0 {
            notes.push(format!(
                "no list knows the number of frames of {} videos: {} a segment were taken",
                self.derived, self.request.frames_per_segment
            ));
        }
        notes.append(&mut self.index.passed());
    }
}

/// Copies, links or rewrites a video's features into the folder.
fn copy(
    link: bool,
    rules: Rules,
    checked: &Checked,
    folder: &Path,
    faults: &mut Faults,
) -> io::Result<Row> {
    let Checked { video, files, .. } = checked;
    let file = format!("features/{}.npy", video.name);
    let target = folder.join(&file);
    // It was opened before; that it no longer can be is the system's doing.
    let source = Source::open(files, video.frames, rules)
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
