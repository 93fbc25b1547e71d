//! What `run` has from the results of its user's other folders, and keeps for them: see [`crate::result_cache`].
//!
//! A cache that cannot be used is said once and spoils no run.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use coordinator::{EngineHandle, Reuse as Worth};
use proto::nouns::{Refusal, StateKind};
use sweeps::{JobId, RunRecord, TRAINER_REVISION};
use tokio::io::AsyncReadExt;

use crate::arguments::Cache;
use crate::clock;
use crate::command::cache::{folder, most_bytes};
use crate::command::local_coordinator::LocalCoordinator;
use crate::output::{counted, say};
use crate::result_cache::{Entry, Kept, Key, ResultCache};

/// Results that are in memory at a time.
const AT_ONCE: usize = 16;
/// Between two looks at what has finished, and at what was added.
const PAUSE: Duration = Duration::from_secs(5);
/// Of what the cache may have, the part after which it is looked at as a whole.
const SHRINK_AFTER: u64 = 32;
/// Warnings of one kind that are said one by one.
const MOST_WARNINGS: usize = 3;

/// Where finished results are looked for and kept while a sweep runs.
pub struct Reuse {
    cache: ResultCache,
    /// Of this run's workers.
    device: String,
    /// The kinds of device whose results are those of this run's workers, to the bit; `None`: nobody asked yet.
    kinds: Option<Vec<String>>,
    engine: EngineHandle,
    sweep: String,
    /// Jobs that were looked up.
    looked: BTreeSet<JobId>,
    /// Jobs whose results were kept, or cannot be.
    kept: BTreeSet<JobId>,
    /// Jobs whose results are doubted.
    forgotten: BTreeSet<JobId>,
    /// Whether what was there at the beginning is kept: from now on results are this run's.
    trains: bool,
    /// Bytes that were kept since the cache was last looked at as a whole.
    bytes_new: u64,
    warnings: usize,
}

/// The kinds of device on which a local worker's results are equal to the bit; none where it is not known.
#[cfg(feature = "train")]
pub fn kinds(device: &str) -> Vec<String> {
    // What is wrong with a device its workers say.
    gcl::open_device(device, Some(1)).map_or_else(|_| Vec::new(), |device| device.kinds())
}

/// A control plane trains nothing.
#[cfg(not(feature = "train"))]
pub fn kinds(_: &str) -> Vec<String> {
    Vec::new()
}

/// Which of these jobs the cache has for a run on this machine's usual device, as far as names tell: a file may turn out not to be
/// used.
///
/// # Errors
/// The cache cannot be used, and why.
pub fn cached(arguments: &Cache, jobs: &BTreeSet<JobId>) -> Result<BTreeSet<JobId>, String> {
    let place = &arguments.place;
    let folder = match folder(place).map_err(|error| error.to_string())? {
        Some(folder) if !arguments.no_cache && !jobs.is_empty() => folder,
        _ => return Ok(BTreeSet::new()),
    };
    let Some(cache) = ResultCache::find(&folder, most_bytes(place))? else {
        return Ok(BTreeSet::new());
    };
    let kinds = kinds("auto");
    let is_there = |job: &&JobId| {
        let key = |kind: &String| Key {
            job: **job,
            kind: kind.clone(),
        };
        kinds.iter().any(|kind| cache.has(&key(kind)))
    };
    Ok(jobs.iter().filter(is_there).copied().collect())
}

impl Reuse {
    /// The cache of this user, for the sweep of that coordinator; `None`: it is off, or cannot be used, which is said.
    pub fn open(
        arguments: &Cache,
        device: &str,
        coordinator: &LocalCoordinator,
        sweep: &str,
    ) -> Option<Self> {
        // What a rehearsal makes is no result.
        if arguments.no_cache || coordinator.kind() != StateKind::Training {
            return None;
        }
        let cache = match folder(&arguments.place) {
            Ok(folder) => ResultCache::make(&folder?, most_bytes(&arguments.place)),
            Err(error) => Err(error.to_string()),
        };
        match cache {
            Ok(cache) => Some(Self {
                cache,
                device: device.to_owned(),
                kinds: None,
                engine: coordinator.engine(),
                sweep: sweep.to_owned(),
                looked: BTreeSet::new(),
                kept: BTreeSet::new(),
                forgotten: BTreeSet::new(),
                trains: false,
                bytes_new: 0,
                warnings: 0,
            }),
            Err(why) => {
                say(&format!(
                    "warning: the cache of finished results is not used: {why}; --cache DIR or GCL_CACHE names another folder, --no-cache none"
                ));
                None
            }
        }
    }

    /// Ends jobs whose results the cache has, also those that claims add for them, and says so. Answers how many.
    pub async fn take_over(&mut self) -> usize {
        let (mut taken, mut of) = (0, 0);
        loop {
            let (more, wanted) = self.take_over_once().await;
            taken += more;
            of += wanted;
            if more == 0 {
                break;
            }
        }
        if taken > 0 {
            say(&format!(
                "{taken} of {} were already known (cache {}): taken over, not trained again; --no-cache trains them here",
                counted(of, "job"),
                self.cache.folder().display()
            ));
        }
        taken
    }

    async fn take_over_once(&mut self) -> (usize, usize) {
        let jobs = self.jobs().await.into_iter();
        let wanted =
            jobs.filter(|(job, worth)| *worth == Worth::Wanted && self.looked.insert(*job));
        let wanted: Vec<JobId> = wanted.map(|(job, _)| job).collect();
        let mut taken = 0;
        for jobs in wanted.chunks(AT_ONCE) {
            let entries = self.look_up(jobs.to_vec()).await;
            let mut records = Vec::with_capacity(entries.len());
            for entry in entries {
                match self.store(&entry).await {
                    Ok(()) => records.push(marked(entry)),
                    Err(refusal) => self.warn(&format!(
                        "a result from the cache is not taken over: {refusal}"
                    )),
                }
            }
            if records.is_empty() {
                continue;
            }
            match self.engine.take_over(records).await {
                Ok(number) => taken += number as usize,
                Err(refusal) => self.warn(&format!(
                    "results from the cache are not taken over: {refusal}"
                )),
            }
        }
        (taken, wanted.len())
    }

    /// Keeps what has finished here, and forgets what is doubted.
    pub async fn keep(&mut self) {
        for (job, worth) in self.jobs().await {
            // Noted behind it: whoever is stopped meanwhile comes back to it at the end.
            match worth {
                Worth::Doubtful if !self.forgotten.contains(&job) => {
                    self.forget(job).await;
                    self.forgotten.insert(job);
                }
                Worth::Sound if !self.kept.contains(&job) => {
                    self.keep_one(job).await;
                    self.kept.insert(job);
                }
                _ => {}
            }
        }
        self.trains = true;
        if self.bytes_new > self.cache.most_bytes() / SHRINK_AFTER {
            self.shrink().await;
        }
    }

    /// Keeps what is left, and leaves the cache no larger than it may be.
    pub async fn end(&mut self) {
        self.keep().await;
        if self.bytes_new > 0 {
            self.shrink().await;
        }
    }

    async fn shrink(&mut self) {
        self.bytes_new = 0;
        let cache = self.cache.clone();
        if let Some(Err(why)) = in_background(move || cache.shrink(clock::now())).await {
            self.warn(&why);
        }
    }

    /// Does both from time to time, until it is dropped.
    pub async fn go_on(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(PAUSE).await;
            self.take_over().await;
            self.keep().await;
        }
    }

    async fn jobs(&self) -> Vec<(JobId, Worth)> {
        // The run says what is wrong with its coordinator.
        let jobs = self.engine.reuse(self.sweep.clone()).await;
        jobs.unwrap_or_default()
    }

    async fn look_up(&mut self, jobs: Vec<JobId>) -> Vec<Entry> {
        let (cache, kinds) = (self.cache.clone(), self.kinds().await);
        let found = in_background(move || {
            let now = clock::now();
            let keys = jobs.into_iter().flat_map(|job| {
                let of_kind = |kind: &String| Key {
                    job,
                    kind: kind.clone(),
                };
                kinds.iter().map(of_kind).collect::<Vec<_>>()
            });
            keys.filter_map(|key| cache.get(&key, now).transpose())
                .collect::<Vec<_>>()
        })
        .await;
        let mut entries = Vec::new();
        for found in found.unwrap_or_default() {
            match found {
                Ok(entry) => entries.push(entry),
                Err(why) => self.warn(&format!("in the cache of finished results, {why}")),
            }
        }
        entries
    }

    /// The kinds of device of this run: a GPU is opened for it, once and only where a job is to be looked up.
    async fn kinds(&mut self) -> Vec<String> {
        if self.kinds.is_none() {
            let device = self.device.clone();
            self.kinds = in_background(move || kinds(&device)).await;
        }
        self.kinds.clone().unwrap_or_default()
    }

    /// Puts the artifacts of a result into the state.
    async fn store(&self, entry: &Entry) -> Result<(), Refusal> {
        let artifacts = &entry.record.outcome.artifacts;
        for (artifact, bytes) in artifacts.iter().zip(&entry.artifacts) {
            let upload = self.engine.put_artifact(artifact.digest, artifact.bytes);
            if let Some(mut upload) = upload.await? {
                upload.write(bytes).await?;
                upload.finish().await?;
            }
        }
        Ok(())
    }

    async fn keep_one(&mut self, job: JobId) {
        let Ok(Some(record)) = self.engine.record(job).await else {
            return;
        };
        // What an earlier run of this folder has made was compared then; a run that has nothing to do shall read no artifacts.
        if !self.trains && self.cache.has(&Key::of(&record)) {
            return;
        }
        if record.provenance.trainer_revision != TRAINER_REVISION {
            return;
        }
        // A result without its artifacts would lack in the reports of others.
        let Some(artifacts) = self.artifacts(&record).await else {
            return;
        };
        let entry = Entry {
            record: (*record).clone(),
            artifacts,
            since_ms: clock::unix_milliseconds(),
        };
        let cache = self.cache.clone();
        match in_background(move || cache.put(&entry)).await {
            Some(Ok(Kept::New(bytes))) => self.bytes_new += bytes,
            Some(Ok(Kept::Differs)) => say(&format!(
                "warning: the cache of finished results had another result of job {} on the same kind of device; it is removed there. One of the two \
                 runs is wrong: `gcl-sweep audit` trains jobs again and says which results hold",
                job.short()
            )),
            Some(Err(why)) => self.warn(&why),
            Some(Ok(Kept::Already | Kept::Refused)) | None => {}
        }
    }

    async fn artifacts(&self, record: &RunRecord) -> Option<Vec<Vec<u8>>> {
        let mut artifacts = Vec::with_capacity(record.outcome.artifacts.len());
        for artifact in &record.outcome.artifacts {
            let (mut file, length) = self.engine.get_artifact(artifact.digest).await.ok()??;
            let mut bytes = Vec::with_capacity(length as usize);
            file.read_to_end(&mut bytes).await.ok()?;
            artifacts.push(bytes);
        }
        Some(artifacts)
    }

    async fn forget(&mut self, job: JobId) {
        let Ok(Some(record)) = self.engine.record(job).await else {
            return;
        };
        let (cache, key) = (self.cache.clone(), Key::of(&record));
        if let Some(Err(why)) = in_background(move || cache.remove(&key)).await {
            self.warn(&why);
        }
    }

    fn warn(&mut self, what: &str) {
        self.warnings += 1;
        match self.warnings {
            1..=MOST_WARNINGS => say(&format!("warning: {what}")),
            number if number == MOST_WARNINGS + 1 => {
                say("warning: there is more of this kind; `gcl-sweep cache clear` begins anew");
            }
            _ => {}
        }
    }
}

/// The record as this state takes it: with the word that it was not trained here.
fn marked(entry: Entry) -> RunRecord {
    let mut record = entry.record;
    record.provenance.cached_since_ms = Some(entry.since_ms);
    record
}

/// Does what blocks; `None`: it panicked, which spoils no run.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
