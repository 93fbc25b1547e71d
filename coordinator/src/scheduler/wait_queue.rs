//! Lease requests of workers for which there was no work.
//!
//! *Invariant:* a worker has at most one, and each has its ticket and its deadline. A restart forgets all of it: the calls are gone.

use std::collections::{BTreeMap, BTreeSet};

use super::messages::Ticket;
use proto::nouns::{Timestamp, WorkerId};

/// A lease request that waits for work.
#[derive(Debug, Clone)]
pub(super) struct WaitingRequest {
    pub(super) ticket: Ticket,
    pub(super) slots: u32,
    pub(super) warm: Vec<sweeps::Digest>,
    pub(super) deadline: Timestamp,
}

/// Lease requests that wait for work.
#[derive(Debug, Clone, Default)]
pub(super) struct WaitQueue {
    by_worker: BTreeMap<WorkerId, WaitingRequest>,
    by_ticket: BTreeMap<Ticket, WorkerId>,
    deadlines: BTreeSet<(Timestamp, WorkerId)>,
}

impl WaitQueue {
    /// Lets a request of a worker wait, which must have none that waits.
    pub(super) fn add(&mut self, worker: WorkerId, request: WaitingRequest) {
        self.by_ticket.insert(request.ticket, worker);
        self.deadlines.insert((request.deadline, worker));
        self.by_worker.insert(worker, request);
    }

    /// Takes the request of a worker out.
    pub(super) fn take(&mut self, worker: WorkerId) -> Option<WaitingRequest> {
        let request = self.by_worker.remove(&worker)?;
        self.by_ticket.remove(&request.ticket);
        self.deadlines.remove(&(request.deadline, worker));
        Some(request)
    }

    /// Nobody waits for the answer to that ticket any more.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        if let Some(worker) = self.by_ticket.get(&ticket).copied() {
            self.take(worker);
        }
    }

    /// The request of a worker.
    pub(super) fn get(&self, worker: WorkerId) -> Option<&WaitingRequest> {
        self.by_worker.get(&worker)
    }

    /// Whether a worker waits.
    pub(super) fn contains(&self, worker: WorkerId) -> bool {
        self.by_worker.contains_key(&worker)
    }

    /// Workers that wait.
    pub(super) fn len(&self) -> usize {
        self.by_worker.len()
    }

    /// Whether nobody waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_worker.is_empty()
    }

    /// The workers that wait, longest first.
    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerId> {
        self.by_ticket.values().copied()
    }

    /// The next deadline.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The workers whose deadline has come.
    pub(super) fn over(&self, now: Timestamp) -> Vec<WorkerId> {
        self.deadlines
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, worker)| *worker)
            .collect()
    }
}
