//! What looks at claims do to the state.

use looks::Look;
use sweeps::JobId;

use crate::model::cells::TablePart;
use crate::scheduler::Scheduler;

impl Scheduler {
    /// Seeds are added, and the looks are remembered; an entry whose cells do not fit the sweep changes nothing.
    pub(super) fn apply_looked(
        &mut self,
        sweep: &str,
        looks: &[Look],
        table: &TablePart,
        ids: &[JobId],
        arms: &[u32],
    ) {
        let Some(sweep) = self.jobs.sweep_named(sweep) else {
            return;
        };
        let has_claims = self.jobs.sweep(sweep).submission.claims.is_some();
        if !has_claims || arms.len() != ids.len() {
            return;
        }
        if let Some(first) = self.jobs.grow(sweep, table, ids) {
            let added: Vec<(u32, u32)> = arms.iter().copied().zip(first..).collect();
            self.jobs.note_looks(sweep, looks, &added);
        }
    }
}
