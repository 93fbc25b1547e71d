//! A folder of videos to a data set's folder, video by video.
//!
//! Beside `features/NAME.npy` lies `.extract/NAME.json`, written after it: a video that has both is done and is not looked
//! at again. The lists are written once every video is done or has failed, so that a folder with lists is a whole data set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::error::ExtractError;
use crate::files::{npy_length, put};
use crate::list::{self, Listed, Split};
use crate::pipeline::{self, Extracted, Step, Task};
use crate::request::{Broken, Request, Settings};
use crate::video::{Decoder, find};

/// What happens, for progress bars and logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Once, before the first video. `bytes` is the size of the videos still to do, which come in as they end.
    Start {
        /// Videos of this process's share.
        videos: usize,
        /// Those that are done already.
        done: usize,
        /// Bytes of the others.
        bytes: u64,
        /// Where the network runs.
        device: &'a str,
    },
    /// A video is in work.
    Segments {
        /// Its name.
        video: &'a str,
        /// Segments so far.
        segments: u64,
    },
    /// A video is done.
    Done {
        /// Its name.
        video: &'a str,
        /// What came of it.
        extracted: &'a Extracted,
        /// Its size.
        bytes: u64,
    },
    /// A video could not be decoded and is left out.
    Broken {
        /// Its name.
        video: &'a str,
        /// Why.
        error: &'a ExtractError,
        /// Its size.
        bytes: u64,
    },
    /// Something that a person should know.
    Notice(String),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Videos that this run extracted.
    pub extracted: usize,
    /// Videos that were done already.
    pub reused: usize,
    /// Videos that are left out, with the reason.
    pub broken: Vec<(String, String)>,
    /// Segments of all videos of the data set that are done.
    pub segments: u64,
    /// Whether the lists are written; not while other shares are still at work.
    pub complete: bool,
}

/// What is known of a video that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    video: String,
    /// Unset for a video that could not be decoded.
    #[serde(default)]
    frames: u64,
    #[serde(default)]
    segments: u64,
    #[serde(default)]
    features_blake3: String,
    #[serde(default)]
    complaints: String,
    /// Why it is left out.
    #[serde(default)]
    error: Option<String>,
    /// Of the video's file: another size is another video.
    bytes: u64,
    device: String,
    ffmpeg: String,
}

/// Where things lie in the data set's folder.
struct Places<'a>(&'a Path);

impl Places<'_> {
    fn settings(&self) -> PathBuf {
        self.0.join(".extract/settings.json")
    }

    fn record(&self, video: &str) -> PathBuf {
        self.0.join(".extract/videos").join(format!("{video}.json"))
    }

    fn features(&self, video: &str) -> PathBuf {
        self.0.join(features_name(video))
    }
}

fn features_name(video: &str) -> String {
    format!("features/{video}.npy")
}

/// Extracts, or goes on where an earlier run stopped.
pub fn run(
    request: &Request,
    progress: &mut dyn FnMut(Event<'_>),
    stop: &AtomicBool,
) -> Result<Summary, ExtractError> {
    let (first, step) = request.share;
    if step == 0 || first >= step {
        return Err(ExtractError::Request(format!(
            "there is no share {first} of {step}; they count from 0"
        )));
    }
    if request.batch == 0 {
        return Err(ExtractError::Request("a batch of no clips".to_owned()));
    }
    let decoder = Decoder::find(request.ffmpeg.as_deref(), request.decode_threads)?;
    let videos = find(&request.videos)?;
    let listed = match &request.list {
        Some(path) => list::read(path, &videos)?,
        None => list::by_folders(&videos),
    };
    if listed.is_empty() {
        return Err(ExtractError::Request(format!(
            "{}: no video in it",
            request.videos.display()
        )));
    }
    if listed.len() < videos.len() {
        let count = videos.len() - listed.len();
        progress(Event::Notice(format!(
            "{count} videos are not on the list and are left out"
        )));
    }
    let places = Places(&request.out);
    let settings = request.sampling.settings()?;
    check_settings(&places, &settings)?;

    let dimension = request.sampling.backbone.dimension();
    let crops = request.sampling.crops();
    let is_done = |listed: &Listed| {
        let record = read_record(&places.record(&listed.video.name))
            .filter(|record| record.error.is_none())?;
        let length = npy_length(
            record.segments,
            crops.count(),
            dimension,
            request.sampling.half,
        );
        let stored = std::fs::metadata(places.features(&listed.video.name))
            .ok()?
            .len();
        (stored == length && record.bytes == size(&listed.video.path)).then_some(())
    };
    let share: Vec<&Listed> = listed.iter().skip(first).step_by(step).collect();
    let (done, todo): (Vec<&Listed>, Vec<&Listed>) =
        share.iter().partition(|listed| is_done(listed).is_some());
    let mut summary = Summary {
        reused: done.len(),
        ..Summary::default()
    };
    if !todo.is_empty() {
        let device = Device::open(&request.device, request.threads)?;
        let extractor = request.sampling.load(&device)?;
        let device = extractor.device();
        progress(Event::Start {
            videos: share.len(),
            done: done.len(),
            bytes: todo.iter().map(|listed| size(&listed.video.path)).sum(),
            device: &device,
        });
        let tasks: Vec<Task> = todo
            .iter()
            .map(|listed| Task {
                video: listed.video.path.clone(),
                features: places.features(&listed.video.name),
            })
            .collect();
        let mut each = |step: Step| {
            let (index, result) = match step {
                Step::Segments(index, segments) => {
                    let video = &todo[index].video.name;
                    progress(Event::Segments { video, segments });
                    return Ok(());
                }
                Step::End(index, result) => (index, result),
            };
            let video = &todo[index].video;
            let bytes = size(&video.path);
            let mut record = Record {
                video: video.name.clone(),
                frames: 0,
                segments: 0,
                features_blake3: String::new(),
                complaints: String::new(),
                error: None,
                bytes,
                device: device.clone(),
                ffmpeg: decoder.version().to_owned(),
            };
            match result {
                Ok(extracted) => {
                    record.frames = extracted.frames;
                    record.segments = extracted.segments;
                    record.features_blake3.clone_from(&extracted.digest);
                    record.complaints.clone_from(&extracted.complaints);
                    write_record(&places, &record)?;
                    summary.extracted += 1;
                    if !extracted.complaints.is_empty() {
                        progress(Event::Notice(format!(
                            "{}: {} frames were decoded, with complaints: {}",
                            video.path.display(),
                            extracted.frames,
                            extracted.complaints
                        )));
                    }
                    progress(Event::Done {
                        video: &video.name,
                        extracted: &extracted,
                        bytes,
                    });
                }
                Err(error) if request.broken == Broken::Stop => return Err(error),
                Err(error) => {
                    record.error = Some(error.to_string());
                    write_record(&places, &record)?;
                    summary.broken.push((video.name.clone(), error.to_string()));
                    progress(Event::Broken {
                        video: &video.name,
                        error: &error,
                        bytes,
                    });
                }
            }
            Ok(())
        };
        pipeline::run(
            &extractor,
            &decoder,
            &request.sampling,
            request.batch,
            &tasks,
            stop,
            &mut each,
        )?;
    }
    assemble(request, &places, &settings, &listed, progress, &mut summary)?;
    Ok(summary)
}

/// Bytes of a video; of a folder of images the sum.
fn size(path: &Path) -> u64 {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|data| data.len())
            .sum()
    } else {
        std::fs::metadata(path).map_or(0, |data| data.len())
    }
}

fn read_record(path: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write_record(places: &Places<'_>, record: &Record) -> Result<(), ExtractError> {
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| ExtractError::Request(error.to_string()))?;
    put(
        &places.record(&record.video),
        format!("{text}\n").as_bytes(),
    )
}

/// A folder is gone on with in the way it was begun, or not at all.
fn check_settings(places: &Places<'_>, settings: &Settings) -> Result<(), ExtractError> {
    let path = places.settings();
    match std::fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice::<Settings>(&bytes) {
            Ok(before) if before == *settings => Ok(()),
            Ok(before) => Err(ExtractError::Request(format!(
                "{} was begun with other settings ({}): give another `--out`, or remove it",
                places.0.display(),
                difference(&before, settings)
            ))),
            Err(error) => Err(ExtractError::Request(format!(
                "{}: {error}",
                path.display()
            ))),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if places.0.join("dataset.toml").exists() {
                return Err(ExtractError::Request(format!(
                    "{} is a data set that was not made by `extract`: give another `--out`",
                    places.0.display()
                )));
            }
            let text = serde_json::to_string_pretty(settings)
                .map_err(|error| ExtractError::Request(error.to_string()))?;
            put(&path, format!("{text}\n").as_bytes())
        }
        Err(source) => Err(ExtractError::file(&path, source)),
    }
}

fn difference(before: &Settings, now: &Settings) -> String {
    let flag = |name: &str, before: bool, now: bool| {
        (before != now).then(|| format!("{name}: {before}, now {now}"))
    };
    let text = |name: &str, before: &str, now: &str| {
        (before != now).then(|| format!("{name}: {before}, now {now}"))
    };
    [
        text("backbone", &before.backbone, &now.backbone),
        text("weights", &before.weights, &now.weights),
        flag("ten crops", before.ten_crops, now.ten_crops),
        flag("last segment dropped", before.drop_last, now.drop_last),
        flag("f16", before.half, now.half),
        text(
            "revision",
            &before.revision.to_string(),
            &now.revision.to_string(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// `dataset.toml`.
#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    feature_dim: usize,
    frames_per_segment: usize,
    extractor: &'a str,
    source: &'a str,
    licence: &'a str,
}

/// Writes the lists and the metadata, once every video was tried.
fn assemble(
    request: &Request,
    places: &Places<'_>,
    settings: &Settings,
    listed: &[Listed],
    progress: &mut dyn FnMut(Event<'_>),
    summary: &mut Summary,
) -> Result<(), ExtractError> {
    let mut records = BTreeMap::new();
    let mut missing = 0;
    for listed in listed {
        match read_record(&places.record(&listed.video.name)) {
            Some(record) => drop(records.insert(&listed.video.name, record)),
            None => missing += 1,
        }
    }
    summary.segments = records.values().map(|record| record.segments).sum();
    if missing > 0 {
        progress(Event::Notice(format!(
            "{missing} videos of other shares are not done yet"
        )));
        return Ok(());
    }
    for (split, file) in [(Split::Train, "train.csv"), (Split::Test, "test.csv")] {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let fault = |error: csv::Error| ExtractError::Request(format!("{file}: {error}"));
        writer
            .write_record(["video", "features", "frames", "label", "anomalous_frames"])
            .map_err(fault)?;
        let mut count = 0;
        for listed in listed.iter().filter(|listed| listed.split == split) {
            let name = &listed.video.name;
            let record = &records[name];
            if record.error.is_some() {
                continue;
            }
            let (ranges, cut) = clip_ranges(&listed.anomalous, record.frames);
            if cut {
                progress(Event::Notice(format!(
                    "{name}: the list's anomalous frames reach past its {} frames and are cut there",
                    record.frames
                )));
            }
            let label = match listed.label {
                None => "",
                Some(false) => "0",
                Some(true) => "1",
            };
            let frames = record.frames.to_string();
            let row = [name.as_str(), &features_name(name), &frames, label, &ranges];
            writer.write_record(row).map_err(fault)?;
            count += 1;
        }
        if count == 0 {
            progress(Event::Notice(format!(
                "{file} has no video: a list says which videos train and which test"
            )));
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| ExtractError::Request(error.to_string()))?;
        put(&places.0.join(file), &bytes)?;
    }
    let folder = request
        .out
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let metadata = Metadata {
        name: request.name.as_deref().unwrap_or(&folder),
        feature_dim: request.sampling.backbone.dimension(),
        frames_per_segment: crate::video::FRAMES,
        extractor: &settings.describe(request.sampling.crops()),
        source: &request.source,
        licence: &request.licence,
    };
    let text =
        toml::to_string(&metadata).map_err(|error| ExtractError::Request(error.to_string()))?;
    put(&places.0.join("dataset.toml"), text.as_bytes())?;
    summary.complete = true;
    Ok(())
}

/// `from-to;from-to` within the video, and whether something had to be cut.
fn clip_ranges(ranges: &[(u64, u64)], frames: u64) -> (String, bool) {
    let cut = ranges.iter().any(|(_, to)| *to > frames);
    let inside: Vec<_> = ranges
        .iter()
        .filter(|(from, _)| *from < frames)
        .map(|(from, to)| format!("{from}-{}", (*to).min(frames)))
        .collect();
    (inside.join(";"), cut)
}
