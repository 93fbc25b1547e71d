//! A state folder read without its coordinator: no lock, no port, no clock, and nothing is written, so that it may be
//! another user's, or one that a running coordinator has open. What is read is the journal up to some append; live epochs
//! and log tails, which only the index has, are not seen.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sweeps::{CellResult, Digest, JobId, JobStatus, RunRecord};

use super::expand::{Expand, resolve};
use crate::model::cells::{CellRow, CellTable};
use crate::model::entry::Entry;
use crate::scheduler::{Answer, Effect, Event, Policy, Request, Scheduler, Ticket};
use crate::store::artifacts::path_of;
use crate::store::journal::{self, JournalError, Location, OpenSegments, Scanned};
use crate::store::mark;
use proto::error_chain;
use proto::nouns::{Refusal, StateKind, Submit, Submitted, SweepInfo, SweepSummary, Timestamp};

/// A coordinator that runs may cut, compact and append while its journal is read. That is rare, and over in milliseconds.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(40);

/// Why a folder cannot be read as a state folder.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is nothing of that name.
    #[error("there is no state folder {0}")]
    NoFolder(PathBuf),
    /// It is another folder.
    #[error("{folder} is not a state folder: it has no folder `journal`{}", hint(.below.as_deref()))]
    NoState {
        /// The folder.
        folder: PathBuf,
        /// A state folder in it, which may be meant.
        below: Option<PathBuf>,
    },
    /// Its journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn hint(below: Option<&Path>) -> String {
    below.map_or_else(String::new, |below| {
        format!("; is {} meant?", below.display())
    })
}

/// An entry of the journal as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number; in a snapshot, the number there.
    pub sequence: u64,
    /// In a snapshot: the number of the first entry that the snapshot does not replace.
    pub snapshot_before: Option<u64>,
    /// Hash of everything before it.
    pub before: Digest,
    /// Hash of everything up to it.
    pub chain: Digest,
    /// Its bytes, which are JSON.
    pub payload: Vec<u8>,
}

/// What is heard while a journal is read.
enum Heard<'a> {
    /// Reading begins, or begins anew since a coordinator wrote meanwhile.
    Begin,
    /// The next entry.
    Entry(&'a Scanned<Entry>),
}

type Hear<'a> = dyn FnMut(Heard<'_>) + 'a;

/// What a state folder held when it was read.
pub struct StateReader {
    scheduler: Scheduler,
    records: BTreeMap<JobId, Location>,
    /// Open, so that they can be read to their ends also when a coordinator removes them.
    segments: OpenSegments,
    state: PathBuf,
}

impl StateReader {
    /// Reads the journal of the state folder `state`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(state: &Path) -> Result<Self, ReadError> {
        Self::open_hearing(state, &mut |_| {})
    }

    /// The same, with every entry as it lies on disk, for who shows the journal to others.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open_with_entries(state: &Path) -> Result<(Self, Vec<JournalEntry>), ReadError> {
        let mut entries: Vec<JournalEntry> = Vec::new();
        let reader = Self::open_hearing(state, &mut |heard| match heard {
            Heard::Begin => entries.clear(),
            Heard::Entry(scanned) => entries.push(JournalEntry {
                sequence: scanned.location.sequence,
                snapshot_before: scanned.snapshot.map(|(first, _)| first),
                before: scanned.before,
                chain: scanned.chain,
                payload: scanned.payload.clone(),
            }),
        })?;
        Ok((reader, entries))
    }

    fn open_hearing(state: &Path, hear: &mut Hear<'_>) -> Result<Self, ReadError> {
        if !state.is_dir() {
            return Err(ReadError::NoFolder(state.to_owned()));
        }
        mark::be_whole(state)?;
        if !state.join("journal").is_dir() {
            let below = state.join("state");
            return Err(ReadError::NoState {
                folder: state.to_owned(),
                below: below.join("journal").is_dir().then_some(below),
            });
        }
        let mut tries = 1;
        loop {
            match Self::read(state, hear) {
                Err(error) if tries < TRIES && may_pass(&error) => {
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                read => return Ok(read?),
            }
        }
    }

    fn read(state: &Path, hear: &mut Hear<'_>) -> Result<Self, JournalError> {
        hear(Heard::Begin);
        let folder = state.join("journal");
        let contradiction = |error: &dyn std::error::Error| JournalError::DamagedSnapshot {
            path: folder.clone(),
            offset: 0,
            what: error.to_string(),
        };
        let mut scheduler = Scheduler::new(Policy::default());
        let mut records = BTreeMap::new();
        let segments = journal::read(&folder, &mut |scanned| {
            hear(Heard::Entry(&scanned));
            scheduler
                .replay(&scanned.entry)
                .map_err(|error| contradiction(&error))?;
            if let Some(record) = scanned.entry.finished() {
                records.insert(record.job_id, scanned.location);
            }
            Ok(())
        })?;
        scheduler
            .replayed()
            .map_err(|error| contradiction(&error))?;
        Ok(Self {
            scheduler,
            records,
            segments,
            state: state.to_owned(),
        })
    }

    /// What its jobs are; `None` where there are none yet.
    pub fn kind(&self) -> Option<StateKind> {
        self.scheduler.trainer_revisions().map(StateKind::of).next()
    }

    /// Every sweep, in the order of submission.
    pub fn sweeps(&self) -> Vec<SweepSummary> {
        self.scheduler.sweeps()
    }

    /// Everything about a sweep but its cells.
    ///
    /// # Errors
    /// [`Refusal::UnknownSweep`].
    pub fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, Refusal> {
        self.scheduler.sweep_info(sweep)
    }

    /// Hands out every cell of a sweep in the grid's order, with its record.
    ///
    /// # Errors
    /// [`Refusal::UnknownSweep`], or [`Refusal::Storage`] where a record is not what was written.
    pub fn each_cell(&self, sweep: &str, each: &mut dyn FnMut(CellResult)) -> Result<(), Refusal> {
        let (table, rows) = self.scheduler.cell_rows(sweep)?;
        for (position, row) in rows.iter().enumerate() {
            each(self.cell(&table, position, row)?);
        }
        Ok(())
    }

    fn cell(
        &self,
        table: &CellTable,
        position: usize,
        row: &CellRow,
    ) -> Result<CellResult, Refusal> {
        let is_done = row.status == JobStatus::Done;
        Ok(CellResult {
            cell: table.cell(position)?,
            job_id: row.job_id,
            status: row.status,
            record: is_done.then(|| self.record(row.job_id)).transpose()?,
            live: Vec::new(),
            attempts: row.last_attempt.count(),
            error: row.error.as_deref().map(str::to_owned),
        })
    }

    fn record(&self, job: JobId) -> Result<Arc<RunRecord>, Refusal> {
        let unreadable = |what: String| {
            Refusal::Storage(format!(
                "the record of job {} cannot be read: {what}",
                job.short()
            ))
        };
        let location = self
            .records
            .get(&job)
            .ok_or_else(|| unreadable("the journal has none".into()))?;
        let payload = self
            .segments
            .payload(location)
            .map_err(|error| unreadable(error_chain(&error)))?;
        match serde_json::from_slice(&payload) {
            Ok(Entry::Finished { record, .. }) if record.job_id == job => Ok(Arc::new(*record)),
            Ok(_) => Err(unreadable("there is another entry at its place".into())),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// An artifact of at most `most` bytes, its digest verified.
    ///
    /// # Errors
    /// [`Refusal::Storage`]: it is not there, too long or damaged.
    pub fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, Refusal> {
        let path = path_of(&self.state.join("artifacts"), digest);
        let refused =
            |what: String| Refusal::Storage(format!("artifact {} {what}", digest.short()));
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            let file = std::fs::File::open(&path)?;
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read()
            .map_err(|error| refused(format!("cannot be read: {}: {error}", path.display())))?;
        if bytes.len() as u64 > most {
            return Err(refused(format!("has more than {most} bytes")));
        }
        if Digest::of(&bytes) != digest {
            return Err(refused(format!(
                "is damaged: {} has other bytes than were written",
                path.display()
            )));
        }
        Ok(bytes)
    }

    /// What submitting that file to this folder's coordinator would mean.
    ///
    /// # Errors
    /// [`Refusal`], as the coordinator would refuse it.
    pub fn meaning(&mut self, submit: &Submit, expand: &Expand) -> Result<Submitted, Refusal> {
        let submit = Submit {
            dry_run: true,
            ..submit.clone()
        };
        let announced = self.scheduler.dataset_copies();
        let revision = self.kind().unwrap_or_default().trainer_revision();
        let submission = resolve(submit, expand, &announced, revision)?;
        let request = Request::Submit(Box::new(submission));
        let asked = Event::Request(Ticket(0), request);
        let replies = self.scheduler.step(Timestamp(0), asked).into_iter();
        let reply = replies.filter_map(|effect| match effect {
            Effect::Reply(_, reply) => Some(reply),
            _ => None,
        });
        match reply.last() {
            Some(Ok(Answer::Submitted(submitted))) => Ok(submitted),
            Some(Err(refusal)) => Err(refusal),
            other => Err(Refusal::Unavailable(format!(
                "an answer of another kind came back: {other:?}"
            ))),
        }
    }
}

/// Whether an error may come from a coordinator that writes while its journal is read.
fn may_pass(error: &JournalError) -> bool {
    match error {
        JournalError::Damaged { .. } | JournalError::DamagedSnapshot { .. } => true,
        JournalError::Io { source, .. } => matches!(
            source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}
