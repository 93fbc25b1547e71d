//! Extraction by the workers of a coordinator: a video a job, the features fetched by digest as they are done.
//!
//! The folder is the same as that of a local extraction, to the bit. Interrupted and typed again it goes on: the
//! coordinator knows what is done, the folder what was fetched.

use std::collections::BTreeMap;
use std::time::Duration;

use extract::{Broken, Device, Event, Extracted, Folder, Provenance, Request, Summary, Weights};
use proto::nouns::{Change, Control, ControlAction, Requirements, Submit, Target, WatchEvent};
use sweeps::extraction::{EXTRACTED, FEATURES};
use sweeps::{
    Digest, Extraction, ExtractionSettings, ExtractionSweep, ExtractionWeights, FailureClass,
    JobId, JobStatus, RunRecord,
};
use tokio_util::sync::CancellationToken;

use super::digests::Digests;
use super::failure::failed;
use super::progress::Progress;
use crate::arguments::{Cluster, Connection};
use crate::client::Client;
use crate::contact::Contact;
use crate::error::CommandError;
use crate::interrupt;
use crate::output::counted;
use crate::output::say;

/// Bytes of the artifact that says what came of a video.
const MOST_SAID: u64 = 1 << 20;
/// Without a change for so long, what keeps the jobs from running is said.
const QUIET: Duration = Duration::from_secs(10);

/// Extracts by the workers of the coordinator at `url`.
pub(super) fn extract(
    cluster: &Cluster,
    url: &str,
    request: &Request,
) -> Result<Summary, CommandError> {
    let mut progress = Progress::start();
    let folder = Folder::open(request, &mut |event| progress.hear(&event))
        .map_err(|error| failed(&error))?;
    let mut summary = Summary {
        reused: folder
            .videos()
            .iter()
            .filter(|one| folder.is_done(one))
            .count(),
        ..Summary::default()
    };
    if summary.reused < folder.videos().len() {
        // Weights that do not fit would fail job by job.
        if let Weights::File(_) = request.sampling.weights {
            let here = Device::open("cpu", Some(1)).map_err(|error| failed(&error))?;
            drop(
                request
                    .sampling
                    .load(&here)
                    .map_err(|error| failed(&error))?,
            );
        }
        folder.begin().map_err(|error| failed(&error))?;
        let sweep = sweep(cluster, request, &folder)?;
        crate::command::runtime()?.block_on(async {
            let stop = interrupt::token().map_err(|error| {
                CommandError::Other(format!("cannot listen for signals: {error}"))
            })?;
            let connection = Connection {
                coordinator: Some(url.to_owned()),
                token_file: cluster.token_file.clone(),
                ca: cluster.ca.clone(),
                certificate: cluster.certificate.clone(),
                key: cluster.key.clone(),
            };
            let mut fetching = Fetching {
                client: Client::new(&connection)?,
                request,
                folder: &folder,
                progress,
                summary: &mut summary,
                unsettled: BTreeMap::new(),
                failed: Vec::new(),
            };
            fetching.run(&sweep, url, &stop).await
        })?;
    }
    folder
        .assemble(&mut |event| Progress::start().hear(&event), &mut summary)
        .map_err(|error| failed(&error))?;
    Ok(summary)
}

/// The jobs, the largest video first: the last worker to finish keeps nobody waiting for long.
fn sweep(
    cluster: &Cluster,
    request: &Request,
    folder: &Folder<'_>,
) -> Result<ExtractionSweep, CommandError> {
    let file_name = |path: &std::path::Path| {
        std::fs::canonicalize(path)
            .ok()
            .and_then(|path| Some(path.file_name()?.to_str()?.to_owned()))
    };
    let videos_name = cluster
        .videos_name
        .clone()
        .or_else(|| file_name(&request.videos))
        .ok_or_else(|| {
            CommandError::Usage("--videos-name is needed: the folder has none".into())
        })?;
    let dataset = request
        .name
        .clone()
        .or_else(|| file_name(&request.out))
        .unwrap_or_else(|| videos_name.clone());
    let sampling = &request.sampling;
    let weights = match &sampling.weights {
        Weights::Random(seed) => ExtractionWeights::Random(*seed),
        file @ Weights::File(path) => match file.digest().map_err(|error| failed(&error))? {
            Some(digest) => ExtractionWeights::File(Digest(digest)),
            None => {
                return Err(CommandError::Input(format!(
                    "{}: no digest",
                    path.display()
                )));
            }
        },
    };
    let settings = ExtractionSettings {
        backbone: sampling.backbone.name().to_owned(),
        weights,
        ten_crops: sampling.ten_crops,
        drop_last: sampling.drop_last,
        f16: sampling.half,
        revision: sampling.backbone.revision(),
    };
    say("reading the videos for their digests");
    let mut digests = Digests::open(&request.out);
    let mut extractions = Vec::new();
    for listed in folder.videos() {
        let digest = digests.of(listed);
        if digest.is_err() {
            digests.keep();
        }
        let extraction = Extraction {
            folder: videos_name.clone(),
            video: listed.video.name.clone(),
            digest: digest?,
            settings: settings.clone(),
        };
        extractions.push((extract::size(&listed.video), extraction));
    }
    digests.keep();
    extractions.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.video.cmp(&b.1.video)));
    Ok(ExtractionSweep {
        name: cluster
            .sweep
            .clone()
            .unwrap_or_else(|| format!("extract-{dataset}")),
        description: format!("Features of the videos `{videos_name}` for the data set `{dataset}`"),
        extractions: extractions.into_iter().map(|(_, one)| one).collect(),
    })
}

/// The features on their way from the coordinator into the folder.
struct Fetching<'a> {
    client: Client,
    request: &'a Request,
    folder: &'a Folder<'a>,
    progress: Progress,
    summary: &'a mut Summary,
    /// Videos still to come, with their positions in the folder's list.
    unsettled: BTreeMap<String, usize>,
    /// Jobs without a result for which the video is not to blame.
    failed: Vec<String>,
}

impl Fetching<'_> {
    async fn run(
        &mut self,
        sweep: &ExtractionSweep,
        url: &str,
        stop: &CancellationToken,
    ) -> Result<(), CommandError> {
        let listed = self.folder.videos().iter().enumerate();
        self.unsettled = listed
            .filter(|(_, one)| !self.folder.is_done(one))
            .map(|(position, one)| (one.video.name.clone(), position))
            .collect();
        let videos = self.folder.videos();
        let bytes = |position: &usize| extract::size(&videos[*position].video);
        self.progress.hear(&Event::Start {
            videos: videos.len(),
            done: self.summary.reused,
            bytes: self.unsettled.values().map(bytes).sum(),
            device: &format!("the workers of {url}"),
        });
        self.submit(sweep).await?;
        tokio::select! {
            ended = self.fetch_all(&sweep.name) => ended?,
            () = stop.cancelled() => return Err(CommandError::Interrupted(format!(
                "stopped fetching; the jobs go on at the coordinator (`gcl-sweep cancel {}` ends them), and the same command fetches the rest",
                sweep.name
            ))),
        }
        if self.failed.is_empty() {
            return Ok(());
        }
        Err(CommandError::JobsFailed(format!(
            "no result of {}, which the same command tries again:\n  {}",
            counted(self.failed.len(), "job"),
            self.failed.join("\n  ")
        )))
    }

    /// Submits, and has what failed before tried again.
    async fn submit(&self, sweep: &ExtractionSweep) -> Result<(), CommandError> {
        let submit = Submit {
            file: format!("extract {}", sweep.name),
            text: sweep
                .to_text()
                .map_err(|error| CommandError::Input(error.to_string()))?,
            requirements: Requirements {
                labels: sweep
                    .extractions
                    .first()
                    .map(Extraction::labels)
                    .unwrap_or_default(),
                ..Requirements::default()
            },
            ..Submit::default()
        };
        let client = &self.client;
        let submitted = client
            .submit(&submit)
            .await
            .map_err(|error| client.failed(error))?;
        say(&crate::command::submit::describe(&submitted));
        let again = [
            JobStatus::Failed,
            JobStatus::Quarantined,
            JobStatus::Cancelled,
        ];
        let (again, _) = client
            .rows(&sweep.name, &again)
            .await
            .map_err(|error| client.failed(error))?;
        if !again.is_empty() {
            let control = Control {
                target: Target::Sweep(sweep.name.clone()),
                action: ControlAction::Retry,
            };
            client
                .control(&control)
                .await
                .map_err(|error| client.failed(error))?;
            say("what failed before is tried again");
        }
        Ok(())
    }

    async fn fetch_all(&mut self, sweep: &str) -> Result<(), CommandError> {
        let client = self.client.clone();
        let mut contact = Contact::waiting(&client);
        loop {
            // Subscribe before looking: what changes in between is heard.
            let mut changes = contact
                .ask(async || client.watch_after(sweep, None, true).await)
                .await?;
            let (rows, mut seen) = contact.ask(async || client.rows(sweep, &[]).await).await?;
            // Files of the same bytes are one job.
            let mut videos: BTreeMap<JobId, Vec<String>> = BTreeMap::new();
            for row in &rows {
                let same = videos.entry(row.job_id).or_default();
                same.push(row.group.variant.clone());
            }
            for row in rows.iter().filter(|row| row.status.is_settled()) {
                self.take(
                    sweep,
                    row.job_id,
                    row.status,
                    &row.group.variant,
                    &mut contact,
                )
                .await?;
            }
            let mut said = false;
            while !self.unsettled.is_empty() {
                let Ok(heard) = tokio::time::timeout(QUIET, changes.next()).await else {
                    if !std::mem::replace(&mut said, true) {
                        self.say_what_is_missing(sweep, &mut contact).await?;
                    }
                    continue;
                };
                match heard {
                    Ok(Some(WatchEvent::Change(change))) => {
                        seen = changes.last().unwrap_or(seen).max(seen);
                        if let Change::Job { job, status, .. } = change
                            && status.is_settled()
                            && let Some(same) = videos.get(&job)
                        {
                            said = false;
                            for video in same {
                                self.take(sweep, job, status, video, &mut contact).await?;
                            }
                        }
                    }
                    // The whole picture again.
                    Ok(Some(WatchEvent::Missed(_))) => break,
                    Ok(None) => {
                        changes = contact
                            .ask(async || client.watch_after(sweep, Some(seen), true).await)
                            .await?;
                    }
                    Err(error) => {
                        contact.lost(error)?;
                        changes = contact
                            .ask(async || client.watch_after(sweep, Some(seen), true).await)
                            .await?;
                    }
                }
            }
            if self.unsettled.is_empty() {
                return Ok(());
            }
        }
    }

    /// Says why nothing runs.
    async fn say_what_is_missing(
        &self,
        sweep: &str,
        contact: &mut Contact<'_>,
    ) -> Result<(), CommandError> {
        let client = &self.client;
        let open = [JobStatus::Running, JobStatus::Pending];
        let (rows, _) = contact
            .ask(async || client.rows(sweep, &open).await)
            .await?;
        if rows.iter().any(|row| row.status == JobStatus::Running) {
            return Ok(());
        }
        if let Some(row) = rows.first() {
            let explained = contact
                .ask(async || client.explain(row.job_id).await)
                .await?;
            if explained.view.status == JobStatus::Pending {
                say(&format!("nothing runs: {}", explained.reasons.join("; ")));
            }
        }
        Ok(())
    }

    /// Takes what came of a video.
    async fn take(
        &mut self,
        sweep: &str,
        job: JobId,
        status: JobStatus,
        video: &str,
        contact: &mut Contact<'_>,
    ) -> Result<(), CommandError> {
        let Some(position) = self.unsettled.remove(video) else {
            return Ok(());
        };
        let client = self.client.clone();
        let record = if status == JobStatus::Done {
            let cell = contact
                .ask(async || client.cell_of(sweep, job).await)
                .await?;
            cell.and_then(|cell| cell.record)
        } else {
            None
        };
        match record {
            Some(record) => self.fetch(position, &record).await,
            None => self.note_failure(position, job, status).await,
        }
    }

    async fn fetch(&mut self, position: usize, record: &RunRecord) -> Result<(), CommandError> {
        let folder = self.folder;
        let listed = &folder.videos()[position];
        let artifacts = &record.outcome.artifacts;
        let digest_of = |name: &str| artifacts.iter().find(|one| one.name == name);
        let odd = |what: &str| {
            CommandError::Other(format!("the record of `{}` {what}", listed.video.name))
        };
        let client = &self.client;
        let said = digest_of(EXTRACTED).ok_or_else(|| odd("does not say what came of it"))?;
        let said = client
            .artifact(said.digest, MOST_SAID)
            .await
            .map_err(|error| client.failed(error))?;
        let said: sweeps::Extracted = serde_json::from_slice(&said)
            .map_err(|error| odd(&format!("cannot be read: {error}")))?;
        let mut incoming = folder.receive(listed).map_err(|error| failed(&error))?;
        let mut length = 0;
        for number in 0.. {
            let Some(piece) = digest_of(&format!("{FEATURES}.{number}")) else {
                break;
            };
            let bytes = client
                .artifact(piece.digest, piece.bytes)
                .await
                .map_err(|error| client.failed(error))?;
            length += bytes.len() as u64;
            incoming.push(&bytes).map_err(|error| failed(&error))?;
        }
        if length != folder.length(said.segments) {
            return Err(odd(&format!(
                "has {length} bytes of features for {} segments",
                said.segments
            )));
        }
        incoming.finish().map_err(|error| failed(&error))?;
        let extracted = Extracted {
            frames: said.frames,
            segments: said.segments,
            complaints: said.complaints,
            digest: said.features_blake3,
        };
        let provenance = Provenance {
            device: said.device,
            ffmpeg: said.ffmpeg,
        };
        let progress = &mut self.progress;
        folder
            .done(listed, &extracted, &provenance, &mut |event| {
                progress.hear(&event);
            })
            .map_err(|error| failed(&error))?;
        self.summary.extracted += 1;
        Ok(())
    }

    /// A video that cannot be decoded is left out, as in a local run; any other trouble is not the video's.
    async fn note_failure(
        &mut self,
        position: usize,
        job: JobId,
        status: JobStatus,
    ) -> Result<(), CommandError> {
        let listed = &self.folder.videos()[position];
        let name = &listed.video.name;
        let client = &self.client;
        let explained = client
            .explain(job)
            .await
            .map_err(|error| client.failed(error))?;
        let failure = explained.view.failures.last().map(|last| &last.failure);
        match failure {
            Some(failure) if failure.class == FailureClass::BadData && status.is_failure() => {
                let blamed = self.folder.blames(&failure.message);
                if blamed && self.request.broken == Broken::Stop {
                    return Err(CommandError::Input(failure.message.clone()));
                }
                let provenance = Provenance {
                    device: String::new(),
                    ffmpeg: String::new(),
                };
                let progress = &mut self.progress;
                let mut hear = |event: Event<'_>| progress.hear(&event);
                self.folder
                    .broken(listed, &failure.message, &provenance, &mut hear)
                    .map_err(|error| failed(&error))?;
                if blamed {
                    self.summary
                        .broken
                        .push((name.clone(), failure.message.clone()));
                }
            }
            _ => {
                let why = failure.map_or_else(|| status.name().to_owned(), ToString::to_string);
                self.failed.push(format!("{name}: {why}"));
            }
        }
        Ok(())
    }
}
