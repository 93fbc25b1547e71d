//! Whether counts and queues say what the states of jobs say.

use std::collections::BTreeSet;

use super::{JobTable, Site};
use crate::scheduler::job::JobState;
use proto::nouns::Counts;

impl JobTable {
    /// Looks for contradictions.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(in crate::scheduler) fn check(&self) -> Result<(), String> {
        let mut counts = vec![Counts::default(); self.sweeps.len()];
        let mut queues: Vec<Vec<BTreeSet<u32>>> = self
            .sweeps
            .iter()
            .map(|sweep| vec![BTreeSet::new(); sweep.queue.len()])
            .collect();
        if self.ids.as_slice().len() != self.jobs.len() {
            return Err("there are not as many ids as jobs".into());
        }
        for index in self.indices() {
            let job = self.job(index);
            let id = self.id(index);
            let wrong = |what: &str| Err(format!("job {} {what}", id.short()));
            if self.ids.find(&id) != Some(index) {
                return wrong("is not found by its id");
            }
            if self.is_staged(index)
                && (!job.cells.is_empty()
                    || job.attempts.0 > 0
                    || !matches!(job.state, JobState::Queued))
            {
                return wrong("began too early");
            }
            for grid in job.cells.grids() {
                let sweep = self.grid(grid).sweep as usize;
                if self.sweeps[sweep].grid != grid {
                    return wrong("is in an old grid");
                }
                counts[sweep].0[job.status() as usize] += 1;
            }
            match &job.state {
                JobState::Queued if !job.paused => {
                    for cell in job.cells.iter() {
                        let Site { grid, source, .. } = self.site(cell);
                        queues[grid.sweep as usize][source].insert(cell.cell);
                    }
                }
                JobState::Leased(lease) if lease.attempt != job.attempts => {
                    return wrong("is leased by an old attempt");
                }
                JobState::Done(done) if done.attempt > job.attempts => {
                    return wrong("is done by an attempt to come");
                }
                _ => {}
            }
        }
        for (sweep, (counts, queue)) in self.sweeps.iter().zip(counts.iter().zip(&queues)) {
            if sweep.counts != *counts {
                return Err(format!("the counts of sweep {} are wrong", sweep.name));
            }
            if sweep.queue != *queue {
                return Err(format!("the queue of sweep {} is wrong", sweep.name));
            }
        }
        let ready: BTreeSet<u32> = (0..self.sweeps.len() as u32)
            .filter(|sweep| queues[*sweep as usize].iter().any(|set| !set.is_empty()))
            .collect();
        if ready != self.ready {
            return Err("the list of sweeps with waiting jobs is wrong".into());
        }
        Ok(())
    }
}
