//! A data set's folder that is being filled, by this process or with what a cluster extracts.
//!
//! Beside `features/NAME.npy` lies `.extract/videos/NAME.json`, written after it: a video that has both is done and is not
//! looked at again. The lists are written once every video is done or has failed, so that a folder with lists is a whole
//! data set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::error::{ExtractError, NO_PICTURE};
use crate::files::{Incoming, file_of, npy_length, put, put_alone};
use crate::list::{self, Listed, Split};
use crate::pipeline::Extracted;
use crate::progress::{Event, Summary};
use crate::request::{Request, Settings, Splits};
use crate::video::{find, reason, size};

/// Who extracted a video, for its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Where the network ran.
    pub device: String,
    /// Version of the decoder.
    pub ffmpeg: String,
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
struct Places(PathBuf);

impl Places {
    fn settings(&self) -> PathBuf {
        self.0.join(".extract/settings.json")
    }

    fn record(&self, video: &str) -> PathBuf {
        self.0.join(".extract/videos").join(file_of(video, ".json"))
    }

    fn features(&self, video: &str) -> PathBuf {
        self.0.join(features_name(video))
    }
}

fn features_name(video: &str) -> String {
    format!("features/{}", file_of(video, ".npy"))
}

/// A data set's folder that is being filled.
pub struct Folder<'a> {
    request: &'a Request,
    listed: Vec<Listed>,
    settings: Settings,
    places: Places,
    /// What is left out and changed, as far as the folder and the lists say it.
    account: Account,
}

impl<'a> Folder<'a> {
    /// Finds the videos, and makes sure that a folder that was begun was begun in the same way.
    pub fn open(
        request: &'a Request,
        progress: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self, ExtractError> {
        let found = find(&request.videos)?;
        let mut remarks = Vec::new();
        let listed = match &request.splits {
            Splits::List(path) => {
                let list = list::read(path, &found)?;
                remarks = list.remarks;
                list.videos
            }
            Splits::Folders => list::by_folders(&found.videos),
            Splits::Known(listed) => listed.clone(),
        };
        let taken: BTreeSet<&str> = listed.iter().map(|one| one.video.name.as_str()).collect();
        let mut account = found.account(&taken);
        for line in remarks {
            account.add(reason::REMARK, &format!("line {line}"));
        }
        if listed.is_empty() {
            let mut text = format!("{}: no video in it", request.videos.display());
            for line in account.lines() {
                text += &format!("\n  {line}");
            }
            return Err(ExtractError::Request(text));
        }
        let others = found.videos.iter();
        let others = others.filter(|video| !taken.contains(video.name.as_str()));
        let count = others.count();
        if count > 0 {
            progress(Event::Notice(format!(
                "{count} videos are not on the list and are left out"
            )));
        }
        let places = Places(request.out.clone());
        let settings = request.sampling.settings()?;
        check_settings(&places, &settings)?;
        Ok(Self {
            request,
            listed,
            settings,
            places,
            account,
        })
    }

    /// Begins the folder: from now on it is gone on with in this way. Called once the weights are known to fit.
    pub fn begin(&self) -> Result<(), ExtractError> {
        // Another process may have begun it meanwhile.
        check_settings(&self.places, &self.settings)?;
        let path = self.places.settings();
        if path.exists() {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&self.settings)
            .map_err(|error| ExtractError::Request(error.to_string()))?;
        put(&path, format!("{text}\n").as_bytes())
    }

    /// The videos, in the order of the list.
    pub fn videos(&self) -> &[Listed] {
        &self.listed
    }

    /// Whether a video's features are there.
    pub fn is_done(&self, listed: &Listed) -> bool {
        self.record(listed)
            .is_some_and(|record| record.error.is_none())
    }

    /// What is known of a video, as long as it is of this file, and its features are there.
    fn record(&self, listed: &Listed) -> Option<Record> {
        let record = read_record(&self.places.record(&listed.video.name))?;
        let there = || {
            let stored = std::fs::metadata(self.features(listed));
            stored.is_ok_and(|stored| stored.len() == self.length(record.segments))
        };
        (record.bytes == size(&listed.video) && (record.error.is_some() || there()))
            .then_some(record)
    }

    /// Whether that error is the fault of a video: where nobody listed it, a file of sound is none.
    pub fn blames(&self, error: &str) -> bool {
        !(matches!(self.request.splits, Splits::Folders) && error.contains(NO_PICTURE))
    }

    /// Where a video's features go.
    pub fn features(&self, listed: &Listed) -> PathBuf {
        self.places.features(&listed.video.name)
    }

    /// Bytes of a features file of so many segments.
    pub fn length(&self, segments: u64) -> u64 {
        let sampling = &self.request.sampling;
        npy_length(
            segments,
            sampling.crops().count(),
            sampling.backbone.dimension(),
            sampling.half,
        )
    }

    /// A features file that comes from elsewhere, piece by piece.
    pub fn receive(&self, listed: &Listed) -> Result<Incoming, ExtractError> {
        Incoming::create(&self.features(listed))
    }

    /// Notes that a video's features are in their place.
    pub fn done(
        &self,
        listed: &Listed,
        extracted: &Extracted,
        provenance: &Provenance,
        progress: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), ExtractError> {
        let video = &listed.video;
        let bytes = size(video);
        self.write(&Record {
            video: video.name.clone(),
            frames: extracted.frames,
            segments: extracted.segments,
            features_blake3: extracted.digest.clone(),
            complaints: extracted.complaints.clone(),
            error: None,
            bytes,
            device: provenance.device.clone(),
            ffmpeg: provenance.ffmpeg.clone(),
        })?;
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
            extracted,
            bytes,
        });
        Ok(())
    }

    /// Notes that a video cannot be decoded and is left out.
    pub fn broken(
        &self,
        listed: &Listed,
        error: &str,
        provenance: &Provenance,
        progress: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), ExtractError> {
        let video = &listed.video;
        let bytes = size(video);
        self.write(&Record {
            video: video.name.clone(),
            frames: 0,
            segments: 0,
            features_blake3: String::new(),
            complaints: String::new(),
            error: Some(error.to_owned()),
            bytes,
            device: provenance.device.clone(),
            ffmpeg: provenance.ffmpeg.clone(),
        })?;
        let video = &video.name;
        progress(if self.blames(error) {
            Event::Broken {
                video,
                error,
                bytes,
            }
        } else {
            Event::NoVideo {
                video,
                why: error,
                bytes,
            }
        });
        Ok(())
    }

    fn write(&self, record: &Record) -> Result<(), ExtractError> {
        let text = serde_json::to_string_pretty(record)
            .map_err(|error| ExtractError::Request(error.to_string()))?;
        put_alone(
            &self.places.record(&record.video),
            format!("{text}\n").as_bytes(),
        )
    }

    /// Writes the lists and the metadata, once every video was tried.
    pub fn assemble(
        &self,
        progress: &mut dyn FnMut(Event<'_>),
        summary: &mut Summary,
    ) -> Result<(), ExtractError> {
        let mut records = BTreeMap::new();
        let mut missing = 0;
        for listed in &self.listed {
            match self.record(listed) {
                Some(record) => drop(records.insert(&listed.video.name, record)),
                None => missing += 1,
            }
        }
        summary.segments = records.values().map(|record| record.segments).sum();
        let mut account = self.account.clone();
        if missing > 0 {
            summary.account = account.lines();
            progress(Event::Notice(format!("{missing} videos are not done yet")));
            return Ok(());
        }
        summary.broken.clear();
        let mut counts = Vec::new();
        for (split, file) in [(Split::Train, "train.csv"), (Split::Test, "test.csv")] {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let fault = |error: csv::Error| ExtractError::Request(format!("{file}: {error}"));
            writer
                .write_record(["video", "features", "frames", "label", "anomalous_frames"])
                .map_err(fault)?;
            let mut count = 0_usize;
            for listed in self.listed.iter().filter(|listed| listed.split == split) {
                let name = &listed.video.name;
                let record = &records[name];
                if let Some(error) = &record.error {
                    if self.blames(error) {
                        summary.broken.push((name.clone(), error.clone()));
                        account.add(reason::BROKEN, name);
                    } else {
                        account.add(reason::NO_PICTURE, name);
                    }
                    continue;
                }
                if !record.complaints.is_empty() {
                    account.add(reason::COMPLAINTS, name);
                }
                let (ranges, cut) = clip_ranges(&listed.anomalous, record.frames);
                if cut {
                    account.add(reason::CUT, name);
                }
                if let Some(frames) = listed.frames
                    && frames != record.frames
                {
                    let said = format!("{name} ({} for {frames})", record.frames);
                    account.add(reason::COUNTED, &said);
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
            counts.push(count);
            if count == 0 {
                progress(Event::Notice(format!(
                    "{file} has no video: a list says which videos train and which test"
                )));
            }
            let bytes = writer
                .into_inner()
                .map_err(|error| ExtractError::Request(error.to_string()))?;
            put(&self.places.0.join(file), &bytes)?;
        }
        let folder = self
            .request
            .out
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let mut notes = vec![format!(
            "taken: {} training and {} test videos",
            counts[0], counts[1]
        )];
        notes.extend(account.lines());
        summary.account.clone_from(&notes);
        notes.extend(self.request.notes.iter().cloned());
        let metadata = Metadata {
            name: self.request.name.as_deref().unwrap_or(&folder),
            feature_dim: self.request.sampling.backbone.dimension(),
            frames_per_segment: crate::video::FRAMES,
            extractor: &self.settings.describe(),
            source: &self.request.source,
            licence: &self.request.licence,
            notes,
        };
        let text =
            toml::to_string(&metadata).map_err(|error| ExtractError::Request(error.to_string()))?;
        put(&self.places.0.join("dataset.toml"), text.as_bytes())?;
        summary.complete = true;
        Ok(())
    }
}

fn read_record(path: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// A folder is gone on with in the way it was begun, or not at all.
fn check_settings(places: &Places, settings: &Settings) -> Result<(), ExtractError> {
    let path = places.settings();
    match std::fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice::<Settings>(&bytes) {
            Ok(before) if before.agree(settings) => Ok(()),
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
            Ok(())
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
    /// What was taken, left out and changed.
    notes: Vec<String>,
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
