//! Workers that said hello.
//!
//! *Invariant:* a worker's leases are those of jobs and audits that name it; [`super::Scheduler::begin_lease`] and
//! [`super::Scheduler::end_lease`] see to that. A worker is found by its name and session for as long as it is here.

use std::collections::{BTreeMap, BTreeSet};

use proto::nouns::{Hello, LeaseKey, Measured, Timestamp, WorkerId};

/// A worker.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) hello: Hello,
    /// What it is blamed by: its name, and its number where another process had that name when it came.
    pub(super) identity: String,
    pub(super) joined_at: Timestamp,
    /// Forgotten at a restart.
    pub(super) last_seen: Timestamp,
    /// Why it is sent away.
    pub(super) draining: Option<String>,
    pub(super) leases: BTreeSet<LeaseKey>,
    pub(super) finished: u64,
    pub(super) failed: u64,
    /// Forgotten at a restart.
    pub(super) measured: Option<Measured>,
    /// When it was last seen to have a job. Forgotten at a restart.
    pub(super) last_busy: Timestamp,
}

impl Worker {
    /// One that joins.
    pub(super) fn new(hello: Hello, joined_at: Timestamp) -> Self {
        Self {
            identity: hello.name.clone(),
            hello,
            joined_at,
            last_seen: joined_at,
            draining: None,
            leases: BTreeSet::new(),
            finished: 0,
            failed: 0,
            measured: None,
            last_busy: Timestamp::default(),
        }
    }

    pub(super) fn free_slots(&self) -> usize {
        (self.hello.slots as usize).saturating_sub(self.leases.len())
    }

    /// When it last had a job: now, where it has one.
    pub(super) fn busy(&self, now: Timestamp) -> Timestamp {
        if self.leases.is_empty() {
            self.last_busy
        } else {
            now
        }
    }
}

/// Every worker that is known.
#[derive(Debug, Clone)]
pub(super) struct WorkerTable {
    workers: BTreeMap<WorkerId, Worker>,
    sessions: BTreeMap<(String, u64), WorkerId>,
    next: u64,
}

impl Default for WorkerTable {
    fn default() -> Self {
        Self {
            workers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next: 1,
        }
    }
}

impl WorkerTable {
    pub(super) fn get(&self, id: WorkerId) -> Option<&Worker> {
        self.workers.get(&id)
    }

    pub(super) fn contains(&self, id: WorkerId) -> bool {
        self.workers.contains_key(&id)
    }

    /// Every worker, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (WorkerId, &Worker)> {
        self.workers.iter().map(|(id, worker)| (*id, worker))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    /// The workers of that name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = (WorkerId, &Worker)> {
        self.iter()
            .filter(move |(_, worker)| worker.hello.name == name)
    }

    /// The name of a worker; empty where it is not known any more.
    pub(super) fn name_of(&self, id: WorkerId) -> &str {
        self.get(id).map_or("", |worker| worker.hello.name.as_str())
    }

    /// What a worker is blamed by; empty where it is not known any more.
    pub(super) fn identity_of(&self, id: WorkerId) -> &str {
        self.get(id).map_or("", |worker| worker.identity.as_str())
    }

    /// Whether a worker that is known is sent away.
    pub(super) fn is_draining(&self, id: WorkerId) -> bool {
        self.get(id).is_some_and(|worker| worker.draining.is_some())
    }

    /// The worker that said hello as that process before.
    pub(super) fn of_session(&self, hello: &Hello) -> Option<WorkerId> {
        let session = (hello.name.clone(), hello.session);
        self.sessions.get(&session).copied()
    }

    /// The number that the next worker gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Numbers below this one were given, or may have been.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// A worker said hello. `false`: it did so before, as the same process.
    pub(super) fn join(&mut self, id: WorkerId, hello: &Hello, at: Timestamp) -> bool {
        self.skip_to(id.0.saturating_add(1));
        if let Some(known) = self.workers.get_mut(&id) {
            // The session and name are the same; what it has may be new.
            known.hello = hello.clone();
            return false;
        }
        let mut worker = Worker::new(hello.clone(), at);
        if self.named(&hello.name).next().is_some() {
            worker.identity = format!("{}#{}", hello.name, id.0);
        }
        self.add(id, worker);
        true
    }

    /// Adds one that is not here.
    pub(super) fn add(&mut self, id: WorkerId, worker: Worker) {
        let session = (worker.hello.name.clone(), worker.hello.session);
        self.sessions.insert(session, id);
        self.workers.insert(id, worker);
    }

    /// A worker is gone.
    pub(super) fn leave(&mut self, id: WorkerId) -> Option<Worker> {
        let left = self.workers.remove(&id)?;
        let session = (left.hello.name.clone(), left.hello.session);
        self.sessions.remove(&session);
        Some(left)
    }

    /// A worker is sent away; whether it is known.
    pub(super) fn drain(&mut self, id: WorkerId, reason: &str) -> bool {
        let worker = self.workers.get_mut(&id);
        worker
            .map(|worker| worker.draining = Some(reason.to_owned()))
            .is_some()
    }

    /// A worker was heard; whether it is known.
    pub(super) fn touch(&mut self, id: WorkerId, now: Timestamp) -> bool {
        let worker = self.workers.get_mut(&id);
        worker.map(|worker| worker.last_seen = now).is_some()
    }

    /// A worker was heard of a job that it had.
    pub(super) fn touch_busy(&mut self, id: WorkerId, now: Timestamp) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.last_seen = now;
            worker.last_busy = now;
        }
    }

    /// Every worker counts as heard now, also where the journal has a later time: that of a clock which was ahead. Such a
    /// worker would never be silent.
    pub(super) fn touch_all(&mut self, now: Timestamp) {
        for worker in self.workers.values_mut() {
            worker.last_seen = now;
        }
    }

    /// Nobody could be heard for so long.
    pub(super) fn excuse(&mut self, milliseconds: u64, now: Timestamp) {
        for worker in self.workers.values_mut() {
            worker.last_seen = worker.last_seen.plus(milliseconds).min(now);
        }
    }

    /// What a worker measured of its device.
    pub(super) fn set_measured(&mut self, id: WorkerId, measured: Measured) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.measured = Some(measured);
        }
    }

    /// A worker holds a lease.
    pub(super) fn begin_lease(&mut self, id: WorkerId, key: LeaseKey) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.leases.insert(key);
        }
    }

    /// A worker does not hold a lease any more.
    pub(super) fn end_lease(&mut self, id: WorkerId, key: LeaseKey) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.leases.remove(&key);
        }
    }

    /// A worker finished what it had a lease for.
    pub(super) fn count_finished(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.finished += 1;
        }
    }

    /// An attempt failed on a worker.
    pub(super) fn count_failed(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.failed += 1;
        }
    }
}
