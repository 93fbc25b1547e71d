//! The results of a sweep that has none yet: for what is known of its rows before anything trained.

use sweeps::{Cell, CellResult, JobId, JobStatus};

/// Every cell that is not a control, pending. Job ids are numbers, all different: the data's digests may not be known.
pub fn expected<'a>(cells: impl Iterator<Item = &'a Cell>) -> Vec<CellResult> {
    let cells = cells.filter(|cell| cell.control().is_none());
    let pending = |(cell, index): (&Cell, u64)| {
        let mut job_id = JobId([0; 32]);
        job_id.0[..8].copy_from_slice(&index.to_le_bytes());
        CellResult {
            cell: cell.clone(),
            job_id,
            status: JobStatus::Pending,
            record: None,
            live: Vec::new(),
            attempts: 0,
            error: None,
        }
    };
    cells.zip(0_u64..).map(pending).collect()
}
