//! Records that wait for delivery, and the leases that a killed process leaves behind.
//!
//! ```text
//! SPOOL/lock                      held by the one process that uses the folder
//! SPOOL/leases.json               the leases this process holds: its successor gives them back
//! SPOOL/records/JOB-ATTEMPT.json  a finished job
//! SPOOL/artifacts/DIGEST          its artifacts
//! SPOOL/refused/JOB-ATTEMPT.json  a record that the coordinator will never take; kept for a person to look at
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use durable::{Writing, discard, replace};
use proto::nouns::LeaseKey;
use sweeps::{AttemptNumber, Digest, JobId, RunRecord};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::error::WorkerError;

/// Bytes of a spooled record that are read at most: ten times the longest that the wire takes.
const RECORD_BYTES: u64 = 80 << 20;

/// Between two looks at a lock that another process holds.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Processes that share a scratch folder, at most: each has a spool folder of its own in it.
const MOST_PLACES: u32 = 1024;

/// A spool folder of this process's own among those that share a scratch folder.
#[derive(Debug)]
pub struct Place {
    /// The folder, locked.
    pub spool: Spool,
    /// Which one: 1 for `FOLDER` itself, 2 for `FOLDER-2`, and so on.
    pub number: u32,
}

impl Place {
    /// Takes `folder`, where another process holds it for longer than `patience` the first free one of `folder-2`,
    /// `folder-3`, and so on.
    ///
    /// *Because* a process that was killed may need a moment to die, and its leases are known in its own folder alone, the
    /// folder is waited for at first; *because* two workers may be started by one command line, it is not waited for longer.
    pub async fn take(folder: &Path, patience: Duration) -> Result<Self, WorkerError> {
        match Spool::open_within(folder, patience).await {
            Ok(spool) => return Ok(Self { spool, number: 1 }),
            Err(WorkerError::SpoolInUse(_)) => {}
            Err(error) => return Err(error),
        }
        for number in 2..=MOST_PLACES {
            match Spool::open(&numbered(folder, number)) {
                Ok(spool) => {
                    info!(
                        folder = %spool.folder().display(),
                        "another worker lives in this scratch folder: this one has a spool folder beside its"
                    );
                    return Ok(Self { spool, number });
                }
                Err(WorkerError::SpoolInUse(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(WorkerError::SpoolInUse(folder.to_owned()))
    }

    /// The folders beside this one whose processes are gone and left something behind, locked.
    pub fn abandoned(folder: &Path) -> Vec<Spool> {
        let Some((parent, name)) = folder.parent().zip(folder.file_name()) else {
            return Vec::new();
        };
        let name = name.to_string_lossy();
        let mut numbers: Vec<u32> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let other = entry.ok()?.file_name();
                let other = other.to_string_lossy();
                if other == name {
                    return Some(1);
                }
                let number = other.strip_prefix(&*name)?.strip_prefix('-')?;
                number.parse().ok().filter(|number| *number > 1)
            })
            .collect();
        numbers.sort_unstable();
        numbers
            .into_iter()
            .map(|number| numbered(folder, number))
            .filter(|folder| has_something(folder))
            .filter_map(|folder| Spool::open(&folder).ok())
            .collect()
    }
}

fn numbered(folder: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return folder.to_owned();
    }
    let mut name = folder.as_os_str().to_owned();
    name.push(format!("-{number}"));
    PathBuf::from(name)
}

/// What came of asking for the lock of a spool folder.
fn had(folder: &Path, path: &Path, asked: Result<(), TryLockError>) -> Result<(), WorkerError> {
    asked.map_err(|error| match error {
        TryLockError::WouldBlock => WorkerError::SpoolInUse(folder.to_owned()),
        TryLockError::Error(cause) => WorkerError::NoLocks {
            path: path.to_owned(),
            cause,
        },
    })
}

/// Whether a process left records or leases there.
fn has_something(folder: &Path) -> bool {
    let records = fs::read_dir(folder.join("records")).is_ok_and(|mut list| list.next().is_some());
    records
        || fs::metadata(folder.join("leases.json")).is_ok_and(|file| file.len() > "[]".len() as u64)
}

/// The folder of records that wait for delivery, locked for this process.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    _lock: File,
}

impl Spool {
    /// Makes the folder where needed, and locks it.
    pub fn open(folder: &Path) -> Result<Self, WorkerError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| WorkerError::Spool { path, cause }
        };
        for name in ["records", "artifacts", "refused"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(at(&path))?;
        }
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(at(&path))?;
        had(folder, &path, lock.try_lock())?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// [`Spool::open`], which waits at most `patience` for another process to let the folder go.
    pub async fn open_within(folder: &Path, patience: Duration) -> Result<Self, WorkerError> {
        let until = Instant::now() + patience;
        let mut said = false;
        loop {
            match Self::open(folder) {
                Err(WorkerError::SpoolInUse(_)) if Instant::now() < until => {
                    if !said {
                        said = true;
                        warn!(
                            folder = %folder.display(),
                            ?patience,
                            "another worker uses the spool folder: waiting for its end"
                        );
                    }
                    sleep(LOOK_AGAIN).await;
                }
                other => return other,
            }
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a record and its artifacts until [`Spool::delivered`]. On disk when this returns.
    pub fn keep(&self, record: &RunRecord, artifacts: &[(Digest, &[u8])]) -> io::Result<()> {
        // Artifacts first: a record that is listed has them.
        for (digest, bytes) in artifacts {
            replace(&self.artifact(*digest), &[bytes], Writing::DURABLE)?;
        }
        let path = self.record("records", record);
        replace(&path, &[&serde_json::to_vec(record)?], Writing::DURABLE)
    }

    /// The records that wait, in the order of their file names. What cannot be read is set aside, and said.
    pub fn waiting(&self) -> io::Result<Vec<RunRecord>> {
        let mut paths = fs::read_dir(self.folder.join("records"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        paths.sort();
        let mut records = Vec::with_capacity(paths.len());
        for path in paths {
            match read(&path) {
                Ok(record) => records.push(record),
                Err(cause) => {
                    tracing::error!(file = %path.display(), %cause, "a spooled record cannot be read; it is set aside");
                    if let Some(name) = path.file_name() {
                        fs::rename(&path, self.folder.join("refused").join(name))?;
                    }
                }
            }
        }
        Ok(records)
    }

    /// The bytes of an artifact that is kept.
    pub fn artifact_bytes(&self, digest: Digest) -> io::Result<Vec<u8>> {
        fs::read(self.artifact(digest))
    }

    /// The coordinator has it: forget it.
    pub fn delivered(&self, record: &RunRecord) -> io::Result<()> {
        discard(&self.record("records", record))?;
        let needed: BTreeSet<Digest> = self
            .waiting()?
            .iter()
            .flat_map(|other| &other.outcome.artifacts)
            .map(|artifact| artifact.digest)
            .collect();
        for artifact in &record.outcome.artifacts {
            if !needed.contains(&artifact.digest) {
                discard(&self.artifact(artifact.digest))?;
            }
        }
        Ok(())
    }

    /// The coordinator will never take it: kept for a person, with its artifacts.
    pub fn refused(&self, record: &RunRecord) -> io::Result<()> {
        let path = self.record("refused", record);
        replace(&path, &[&serde_json::to_vec(record)?], Writing::DURABLE)?;
        discard(&self.record("records", record))
    }

    /// Whether the record waits here.
    pub fn holds(&self, record: &RunRecord) -> bool {
        self.record("records", record).exists()
    }

    /// Notes the leases that this process holds. A power loss may undo it: then they run out by themselves.
    pub fn note_leases(&self, leases: &[LeaseKey]) -> io::Result<()> {
        let path = self.folder.join("leases.json");
        replace(&path, &[&serde_json::to_vec(leases)?], Writing::ATOMIC)
    }

    /// The leases that the process before this one held when it died, without those whose record waits here.
    pub fn left_behind(&self) -> Vec<LeaseKey> {
        let path = self.folder.join("leases.json");
        let Ok(bytes) = fs::read(path) else {
            return Vec::new();
        };
        let leases: Vec<LeaseKey> = serde_json::from_slice(&bytes).unwrap_or_default();
        leases
            .into_iter()
            .filter(|&LeaseKey { job, attempt }| !self.path("records", job, attempt).exists())
            .collect()
    }

    fn record(&self, folder: &str, record: &RunRecord) -> PathBuf {
        self.path(folder, record.job_id, record.provenance.attempt)
    }

    fn path(&self, folder: &str, job: JobId, attempt: AttemptNumber) -> PathBuf {
        self.folder
            .join(folder)
            .join(format!("{job}-{attempt}.json"))
    }

    fn artifact(&self, digest: Digest) -> PathBuf {
        self.folder.join("artifacts").join(digest.to_string())
    }
}

fn read(path: &Path) -> io::Result<RunRecord> {
    if fs::metadata(path)?.len() > RECORD_BYTES {
        return Err(io::Error::other("larger than any record"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{ArtifactRef, DeviceInfo, Outcome, Provenance};

    fn record(job: u8, artifact: &[u8]) -> RunRecord {
        RunRecord {
            job_id: JobId([job; 32]),
            outcome: Outcome {
                artifacts: vec![ArtifactRef {
                    name: "scores".into(),
                    digest: Digest::of(artifact),
                    bytes: artifact.len() as u64,
                }],
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(3),
                worker: "w".into(),
                device: DeviceInfo::default(),
                version: "0".into(),
                trainer_revision: 1,
                dataset_digest: Digest([0; 32]),
                duration_s: 0.1,
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        }
    }

    #[test]
    fn a_file_system_without_locks_is_said_with_the_cure() {
        // ENOLCK, ENOSYS.
        for code in [37, 38] {
            let error = std::io::Error::from_raw_os_error(code);
            let asked = Err(TryLockError::Error(error));
            let error = had(Path::new("s"), Path::new("s/lock"), asked).unwrap_err();
            assert!(error.to_string().contains("--scratch DIR"), "{error}");
        }
    }

    #[test]
    fn a_record_outlives_the_process_and_goes_when_delivered() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (record(1, b"same"), record(2, b"same"));
        {
            let spool = Spool::open(folder.path()).unwrap();
            for record in [&one, &two] {
                spool
                    .keep(record, &[(Digest::of(b"same"), b"same")])
                    .unwrap();
            }
        }
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.waiting().unwrap(), [one.clone(), two.clone()]);
        spool.delivered(&one).unwrap();
        // The other record needs the same bytes.
        assert_eq!(spool.artifact_bytes(Digest::of(b"same")).unwrap(), b"same");
        spool.delivered(&two).unwrap();
        assert!(spool.waiting().unwrap().is_empty());
        assert!(spool.artifact_bytes(Digest::of(b"same")).is_err());
    }

    #[test]
    fn two_processes_never_share_a_spool() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Spool::open(folder.path()).unwrap();
        assert!(matches!(
            Spool::open(folder.path()),
            Err(WorkerError::SpoolInUse(_))
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_dies_slowly_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let dying = Spool::open(folder.path()).unwrap();
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            drop(dying);
        });
        let place = Place::take(folder.path(), Duration::from_secs(2)).await;
        assert_eq!(place.unwrap().number, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn processes_of_one_command_line_have_folders_of_their_own() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("spool");
        let mut places = Vec::new();
        for expected in 1..=4 {
            let place = Place::take(&folder, Duration::from_secs(2)).await.unwrap();
            assert_eq!(place.number, expected);
            places.push(place);
        }
        // The second goes, with a record undelivered; the next process has its folder.
        places.remove(1);
        let place = Place::take(&folder, Duration::ZERO).await.unwrap();
        assert_eq!(place.number, 2);
    }

    #[test]
    fn what_other_processes_left_behind_is_found_unless_they_live() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("spool");
        let left = |number: u32| {
            let spool = Spool::open(&numbered(&folder, number)).unwrap();
            spool.keep(&record(number as u8, b""), &[]).unwrap();
            spool
        };
        let own = left(1);
        drop(left(2));
        let alive = left(3);
        drop(left(12));
        drop(Spool::open(&numbered(&folder, 4)).unwrap());
        Spool::open(&scratch.path().join("spool-gpu0")).unwrap();
        let found: Vec<PathBuf> = Place::abandoned(&folder)
            .iter()
            .map(|spool| spool.folder().to_owned())
            .collect();
        assert_eq!(found, [numbered(&folder, 2), numbered(&folder, 12)]);
        drop((own, alive));
    }

    #[test]
    fn a_damaged_record_is_set_aside_and_the_others_are_delivered() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let good = record(1, b"");
        spool.keep(&good, &[]).unwrap();
        fs::write(folder.path().join("records/00.json"), b"{\"job_id\":").unwrap();
        assert_eq!(spool.waiting().unwrap(), [good]);
        assert!(folder.path().join("refused/00.json").exists());
    }

    #[test]
    fn leases_of_a_dead_process_are_found_but_for_finished_ones() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let finished = record(1, b"");
        let lost = LeaseKey {
            job: JobId([9; 32]),
            attempt: AttemptNumber(4),
        };
        spool
            .note_leases(&[
                LeaseKey {
                    job: finished.job_id,
                    attempt: AttemptNumber(3),
                },
                lost,
            ])
            .unwrap();
        spool.keep(&finished, &[]).unwrap();
        assert_eq!(spool.left_behind(), [lost]);
    }
}
