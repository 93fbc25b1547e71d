//! Extractions: a trainer around the trainer, which takes the jobs that are videos.
//!
//! What this worker can extract it announces as labels ([`Extracting::labels`]), so that it gets no job for which it
//! lacks the folder or the weights. A video is looked for among those in the folder and its digest compared: nothing that
//! arrives over the network becomes a path. An interrupted video is begun again; nothing of it is kept.

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use extract::video::{Decoder, Named, Names, Video};
use extract::{Backbone, Device, ExtractError, Extractor, Sampling, Tools, Weights, extract_video};
use proto::telemetry::Telemetry;
use sweeps::extraction::{EXTRACTED, FEATURES, folder_label, revision_label, weights_label};
use sweeps::{
    DatasetFacts, DatasetSource, DeviceInfo, Digest, Extracted, Extraction, ExtractionSettings,
    ExtractionWeights, Failure, FailureClass, JobId, JobSpec, Outcome, Warning,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

pub use settings::{Settings, StartError};

use crate::dedicated_thread;
use crate::trainer::{Artifact, Ended, Event, Finished, Task, Trainer};

/// Bytes of one artifact: a features file longer than this is delivered in several.
const PIECE_BYTES: u64 = 256 << 20;

/// Segments between two lines of the job's log: a few minutes on one core.
const SEGMENTS_PER_LINE: u64 = 500;

/// A trainer that also extracts.
pub struct Extracting<T> {
    training: T,
    inner: Arc<Inner>,
}

struct Inner {
    videos: BTreeMap<String, PathBuf>,
    weights: BTreeMap<Digest, PathBuf>,
    decoder: Option<Decoder>,
    device: Device,
    batch: usize,
    scratch: PathBuf,
    /// The network of the last job: the next one usually wants the same.
    network: Mutex<Option<Network>>,
    /// What the GPU said when it failed.
    broken: OnceLock<String>,
}

struct Network {
    backbone: Backbone,
    weights: ExtractionWeights,
    extractor: Arc<Extractor>,
}

impl<T> Extracting<T> {
    /// Around `training`. Without folders of videos nothing is looked for, and no job will come.
    ///
    /// # Errors
    /// No decoder, no such device, weights or videos that cannot be read.
    pub fn open(training: T, settings: Settings) -> Result<Self, StartError> {
        let wanted = !settings.videos.is_empty();
        let mut weights = BTreeMap::new();
        let mut decoder = None;
        if wanted {
            decoder = Some(Decoder::find(
                settings.ffmpeg.as_deref(),
                settings.decode_threads,
            )?);
            for folder in settings.videos.values() {
                extract::video::find(folder)?;
            }
            for file in settings.weights {
                if let Some(digest) = Weights::File(file.clone()).digest()? {
                    weights.insert(Digest(digest), file);
                }
            }
            let scratch = |cause| StartError::Scratch {
                folder: settings.scratch.clone(),
                cause,
            };
            // What an earlier process left is done again.
            match std::fs::remove_dir_all(&settings.scratch) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(scratch(error));
                }
                _ => {}
            }
            std::fs::create_dir_all(&settings.scratch).map_err(scratch)?;
        }
        // Opening costs nothing; the network is loaded with the first job.
        let device = if wanted {
            Device::open(&settings.device, settings.threads)?
        } else {
            Device::open("cpu", Some(1))?
        };
        Ok(Self {
            training,
            inner: Arc::new(Inner {
                videos: settings.videos,
                weights,
                decoder,
                device,
                batch: settings.batch.max(1),
                scratch: settings.scratch,
                network: Mutex::new(None),
                broken: OnceLock::new(),
            }),
        })
    }
}

impl<T: Trainer> Extracting<T> {
    /// The labels under which this worker gets extractions; none without a folder of videos.
    pub fn labels(&self) -> Vec<String> {
        if self.inner.videos.is_empty() {
            return Vec::new();
        }
        let revisions: BTreeSet<u32> = Backbone::ALL
            .iter()
            .map(|(_, backbone)| backbone.revision())
            .collect();
        let mut labels: Vec<String> = revisions.into_iter().map(revision_label).collect();
        labels.extend(self.inner.videos.keys().map(|name| folder_label(name)));
        labels.extend(
            self.inner
                .weights
                .keys()
                .map(|digest| weights_label(*digest)),
        );
        labels
    }
}

#[async_trait]
impl<T: Trainer> Trainer for Extracting<T> {
    fn device(&self) -> DeviceInfo {
        self.training.device()
    }

    fn device_for(&self, job: &JobSpec) -> DeviceInfo {
        self.training.device_for(job)
    }

    fn revision(&self) -> u32 {
        self.training.revision()
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.training.memory_bytes()
    }

    fn driver(&self) -> Option<String> {
        self.training.driver()
    }

    fn telemetry(&self) -> Option<Telemetry> {
        self.training.telemetry()
    }

    fn broken(&self) -> Option<String> {
        let broken = self.inner.broken.get().cloned();
        broken.or_else(|| self.training.broken())
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        self.training.datasets()
    }

    fn facts(&self, dataset: &DatasetSource) -> Option<DatasetFacts> {
        self.training.facts(dataset)
    }

    fn warm(&self) -> Vec<Digest> {
        self.training.warm()
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        if task.job.extraction().is_none() {
            return self.training.train(task, events, stop).await;
        }
        let (inner, flag) = (Arc::clone(&self.inner), Arc::new(AtomicBool::new(false)));
        let raise = {
            let flag = Arc::clone(&flag);
            move || flag.store(true, Ordering::Relaxed)
        };
        dedicated_thread::run("extractor", stop, raise, move || {
            inner.work(&task, &events, &flag)
        })
        .await
    }

    fn forget(&self, job: JobId) {
        self.training.forget(job);
    }
}

fn bad_data(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::BadData, message)
}

impl Inner {
    fn work(&self, task: &Task, events: &mpsc::Sender<Event>, stop: &AtomicBool) -> Ended {
        let Some(extraction) = task.job.extraction() else {
            return Ended::Failed(bad_data("the job's data set is not a video"));
        };
        match self.extract(extraction, task, events, stop) {
            Ok(finished) => Ended::Finished(Box::new(finished)),
            Err(Some(failure)) => Ended::Failed(failure),
            Err(None) => Ended::Stopped,
        }
    }

    /// An error that is none: the work was stopped.
    fn extract(
        &self,
        extraction: &Extraction,
        task: &Task,
        events: &mpsc::Sender<Event>,
        stop: &AtomicBool,
    ) -> Result<Finished, Option<Failure>> {
        let begin = Instant::now();
        let sampling = self.sampling(&extraction.settings)?;
        let decoder = self.decoder.as_ref().ok_or_else(|| {
            bad_data("this worker extracts no videos: start it with --videos NAME=DIR")
        })?;
        let video = self.find(extraction)?;
        check_digest(&video, task.dataset, stop)?;
        let extractor = self.network(&sampling, extraction.settings.weights)?;
        info!(video = %video.path.display(), seconds = begin.elapsed().as_secs_f64(), "ready to extract");
        let features = self.scratch.join(format!("{}.npy", task.job_id));
        let mut told = 0;
        let extracted = extract_video(
            Tools {
                extractor: &extractor,
                decoder,
                sampling: &sampling,
                batch: self.batch,
            },
            &video,
            &features,
            stop,
            &mut |segments| {
                if segments >= told + SEGMENTS_PER_LINE {
                    told = segments;
                    let line = format!("{segments} segments of {}", extraction.video);
                    // Nobody may be listening.
                    let _ = events.try_send(Event::Log(line));
                }
            },
        )
        .map_err(|error| self.failed(error))?;
        let pieces = pieces(&features);
        // Read or not, it is of no use any more: the job is delivered, or done again.
        let _ = std::fs::remove_file(&features);
        let mut artifacts = pieces?;
        let said = Extracted {
            frames: extracted.frames,
            segments: extracted.segments,
            features_blake3: extracted.digest,
            complaints: extracted.complaints.clone(),
            device: extractor.device(),
            ffmpeg: decoder.version().to_owned(),
        };
        let bytes = serde_json::to_vec_pretty(&said)
            .map_err(|error| Failure::new(FailureClass::Trainer, error.to_string()))?;
        artifacts.push(Artifact {
            name: EXTRACTED.to_owned(),
            bytes,
        });
        let complaints = extracted.complaints;
        Ok(Finished {
            outcome: Outcome {
                warnings: (!complaints.is_empty())
                    .then(|| Warning {
                        code: "decoder".into(),
                        message: complaints,
                    })
                    .into_iter()
                    .collect(),
                ..Outcome::default()
            },
            artifacts,
            duration_s: begin.elapsed().as_secs_f64(),
            resumed: 0,
        })
    }

    /// What this worker makes of the job's settings.
    fn sampling(&self, settings: &ExtractionSettings) -> Result<Sampling, Failure> {
        let backbone = Backbone::from_name(&settings.backbone).ok_or_else(|| {
            bad_data(format!(
                "this worker knows no backbone `{}`",
                settings.backbone
            ))
        })?;
        if settings.revision != backbone.revision() {
            return Err(bad_data(format!(
                "the job is for revision {} of the extractor, this worker has {}: run the same release on both",
                settings.revision,
                backbone.revision()
            )));
        }
        let weights = match settings.weights {
            ExtractionWeights::Random(seed) => Weights::Random(seed),
            ExtractionWeights::File(digest) => {
                Weights::File(self.weights.get(&digest).cloned().ok_or_else(|| {
                    bad_data(format!(
                        "this worker has no weights of the digest {digest}: start it with --weights FILE"
                    ))
                })?)
            }
        };
        Ok(Sampling {
            backbone,
            weights,
            ten_crops: settings.ten_crops,
            drop_last: settings.drop_last,
            half: settings.f16,
        })
    }

    /// The video among those in the folder.
    fn find(&self, extraction: &Extraction) -> Result<Video, Failure> {
        let folder = self.videos.get(&extraction.folder).ok_or_else(|| {
            bad_data(format!(
                "this worker has no videos `{name}`: start it with --videos {name}=DIR",
                name = extraction.folder
            ))
        })?;
        let found = extract::video::find(folder).map_err(|error| bad_data(error.to_string()))?;
        // Found by the name that the submitter found it by; its copy may have other neighbours.
        if let Some(video) = found.videos.iter().find(|one| one.name == extraction.video) {
            return Ok(video.clone());
        }
        match Names::of(&found).find(&extraction.video) {
            Named::One(video) => Ok(video.clone()),
            Named::Several | Named::Nothing => Err(bad_data(format!(
                "there is no video `{}` in {}",
                extraction.video,
                folder.display()
            ))),
        }
    }

    /// What a job's error means for it, and for this process: after a fault of the GPU nothing more is computed here.
    fn failed(&self, error: ExtractError) -> Option<Failure> {
        if let ExtractError::Device(message) = &error
            && self.device.is_gpu()
        {
            let _ = self.broken.set(message.clone());
        }
        failure(error)
    }

    /// The network, kept from the last job or loaded.
    fn network(
        &self,
        sampling: &Sampling,
        weights: ExtractionWeights,
    ) -> Result<Arc<Extractor>, Option<Failure>> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network.as_ref()
            && network.backbone == sampling.backbone
            && network.weights == weights
        {
            return Ok(Arc::clone(&network.extractor));
        }
        // The old one goes before the new one comes: both need not fit at once.
        *network = None;
        let extractor = Arc::new(
            sampling
                .load(&self.device)
                .map_err(|error| self.failed(error))?,
        );
        *network = Some(Network {
            backbone: sampling.backbone,
            weights,
            extractor: Arc::clone(&extractor),
        });
        Ok(extractor)
    }
}

/// The bytes must be those that the job names, whatever the file is called.
fn check_digest(video: &Video, named: Digest, stop: &AtomicBool) -> Result<(), Option<Failure>> {
    let found = Digest(extract::video::digest(video).map_err(failure)?);
    if stop.load(Ordering::Relaxed) {
        return Err(None);
    }
    if found != named {
        return Err(Some(bad_data(format!(
            "{} has the digest {found} here, the job names {named}: the copies differ",
            video.path.display()
        ))));
    }
    Ok(())
}

/// `None`: it was stopped.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failure(error: ExtractError) -> Option<Failure> {
    let class = match &error {
        ExtractError::Stopped => return None,
        ExtractError::Device(_)
        | ExtractError::Host(_)
        | ExtractError::Decoder { .. }
        | ExtractError::Ended { .. } => FailureClass::Trainer,
        ExtractError::OutOfMemory(_) => FailureClass::OutOfMemory,
        _ => FailureClass::BadData,
    };
    Some(Failure::new(class, error.to_string()))
}

/// The file in pieces that an artifact may have.
fn pieces(features: &Path) -> Result<Vec<Artifact>, Failure> {
    let unreadable = |error: std::io::Error| {
        let what = format!("{}: {error}", features.display());
        Failure::new(FailureClass::Trainer, what)
    };
    let mut file = std::fs::File::open(features).map_err(unreadable)?;
    let mut artifacts = Vec::new();
    loop {
        let mut bytes = Vec::new();
        std::io::Read::by_ref(&mut file)
            .take(PIECE_BYTES)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.is_empty() {
            return Ok(artifacts);
        }
        artifacts.push(Artifact {
            name: format!("{FEATURES}.{}", artifacts.len()),
            bytes,
        });
    }
}

#[cfg(test)]
mod tests;
