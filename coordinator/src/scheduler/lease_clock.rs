//! When leases end, when the scheduler wants to be woken, and whether the coordinator itself stood still.
//!
//! *Invariant:* there is one expiry for each live lease. A restart forgets all of it: every lease is renewed then.

use std::collections::BTreeSet;

use super::job::JobIndex;
use proto::nouns::Timestamp;

/// When leases end, and when to be woken for it.
#[derive(Debug, Clone, Default)]
pub(super) struct LeaseClock {
    expiries: BTreeSet<(Timestamp, JobIndex)>,
    /// While there are leases: when to be woken although nothing is due, to see whether time stood still.
    pulse: Option<Timestamp>,
    wake_at: Option<Timestamp>,
}

impl LeaseClock {
    /// The lease of that job ends then.
    pub(super) fn add(&mut self, at: Timestamp, job: JobIndex) {
        self.expiries.insert((at, job));
    }

    /// The lease of that job does not end then any more.
    pub(super) fn remove(&mut self, at: Timestamp, job: JobIndex) {
        self.expiries.remove(&(at, job));
    }

    /// Live leases.
    pub(super) fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Every expiry, the first first.
    pub(super) fn expiries(&self) -> &BTreeSet<(Timestamp, JobIndex)> {
        &self.expiries
    }

    /// A job whose lease is over.
    pub(super) fn over(&self, now: Timestamp) -> Option<JobIndex> {
        let (at, job) = self.expiries.first()?;
        (*at <= now).then_some(*job)
    }

    /// When the scheduler asked to be woken.
    #[cfg(test)]
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.wake_at
    }

    /// The scheduler was woken: for how many milliseconds the coordinator stood still by that, if it did.
    pub(super) fn woken(&mut self, now: Timestamp, pulse_ms: u64) -> Option<u64> {
        self.pulse = None;
        let late = self.wake_at.take().map_or(0, |wished| now.since(wished));
        (late > pulse_ms).then_some(late)
    }

    /// When to be woken next, for a lease, a deadline or the pulse; `None`: that stays as it is.
    pub(super) fn schedule(
        &mut self,
        now: Timestamp,
        pulse_ms: u64,
        deadline: Option<Timestamp>,
    ) -> Option<Timestamp> {
        if self.expiries.is_empty() {
            self.pulse = None;
        } else if self.pulse.is_none() {
            self.pulse = Some(now.plus(pulse_ms));
        }
        let expiry = self.expiries.first().map(|(at, _)| *at);
        let next = [expiry, deadline, self.pulse].into_iter().flatten().min();
        if next == self.wake_at {
            return None;
        }
        self.wake_at = next;
        next
    }

    /// Forgets how late it is.
    #[cfg(test)]
    pub(super) fn forget_to_be_late(&mut self, now: Timestamp) {
        self.wake_at = Some(now);
    }
}
