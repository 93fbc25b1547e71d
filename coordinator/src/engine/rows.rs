//! Where the jobs of a sweep stand, in slices: from what the scheduler has in memory, without a record.

use std::sync::Arc;

use proto::nouns::{Refusal, Row, RowGroup};
use sweeps::{Cell, JobStatus};

use crate::model::cells::CellTable;
use crate::scheduler::JobRow;
use crate::store::index::Reader;

/// Cells whose rows are looked up at a time: a millisecond of the engine's.
pub(crate) const SLICE: usize = 16_384;

/// A sweep whose rows are asked for.
#[derive(Clone)]
pub struct RowSource {
    /// The version of the sweep.
    pub(crate) grid: u32,
    pub(crate) table: Arc<CellTable>,
    /// The number of the last change that every row shows.
    pub sequence: u64,
}

impl RowSource {
    /// The number of cells.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows of what the scheduler said of some cells. `group` is that of the row before.
pub(crate) fn rows(
    table: &CellTable,
    reader: &Reader,
    jobs: Vec<JobRow>,
    group: &mut Option<(usize, Arc<RowGroup>)>,
) -> Result<Vec<Row>, Refusal> {
    let mut rows = Vec::with_capacity(jobs.len());
    for job in jobs {
        let shared = match group {
            Some((cell, shared)) if table.are_alike(*cell, job.cell) => shared.clone(),
            _ => {
                let shared = Arc::new(group_of(table.cell(job.cell)?));
                *group = Some((job.cell, shared.clone()));
                shared
            }
        };
        let epochs = match job.status {
            JobStatus::Done => job.epochs,
            JobStatus::Pending => 0,
            // A courtesy: an index that is being made again says nothing of epochs, and hides no status.
            _ => reader.epochs(job.job_id, job.last_attempt).unwrap_or(0),
        };
        rows.push(Row {
            seed: table.seed(job.cell)?,
            job_id: job.job_id,
            status: job.status,
            attempts: job.last_attempt.count(),
            epochs,
            auc: shared.reporting.score_by.of(job.scores[0], job.scores[1]),
            error: job.error.as_deref().map(str::to_owned),
            warnings: job.warnings.iter().map(ToString::to_string).collect(),
            group: shared,
        });
    }
    Ok(rows)
}

fn group_of(cell: Cell) -> RowGroup {
    let count = |name: &str| {
        let value = cell.job.parameters.get(name);
        let value = value.and_then(sweeps::Value::as_integer).unwrap_or(0);
        u32::try_from(value).unwrap_or(0)
    };
    let phases = ["epochs", "pretrain_epochs", "pretrain_discriminator_epochs"];
    RowGroup {
        epochs: phases.into_iter().map(count).fold(0, u32::saturating_add),
        variant: cell.variant,
        point: cell.point,
        reporting: cell.reporting,
    }
}
