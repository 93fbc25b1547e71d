//! The cells of a sweep with their records, a bounded page at a time.

use std::sync::Arc;

use sweeps::{AttemptNumber, CellResult, JobId, JobStatus};

use crate::cells::CellTable;
use crate::handle::blocking;
use crate::index::Reader;
use crate::message::Refusal;

/// The cells of a sweep, a bounded page at a time.
pub struct CellPages {
    pub(crate) reader: Reader,
    pub(crate) table: Arc<CellTable>,
    pub(crate) rows: Arc<[CellRow]>,
    pub(crate) next: usize,
}

/// Where the job of a cell stands.
#[derive(Debug, Clone)]
pub struct CellRow {
    /// Its job.
    pub job_id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// Attempts so far.
    pub attempts: u64,
    /// The last failure, of a job without a record.
    pub error: Option<Arc<str>>,
}

impl CellPages {
    /// Cells that are read at a time: some megabytes of records with 100 epochs each.
    const PAGE: usize = 256;

    /// All cells together.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the sweep has no cells.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The next page, `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<CellResult>>, Refusal> {
        if self.next >= self.rows.len() {
            return Ok(None);
        }
        let range = self.next..(self.next + Self::PAGE).min(self.rows.len());
        self.next = range.end;
        let (reader, table, rows) = (self.reader.clone(), self.table.clone(), self.rows.clone());
        blocking(move || {
            range
                .map(|position| cell_result(&reader, &table, position, &rows[position]))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?
        .map(Some)
    }
}

fn cell_result(
    reader: &Reader,
    table: &CellTable,
    position: usize,
    row: &CellRow,
) -> Result<CellResult, Refusal> {
    let done = row.status == JobStatus::Done;
    Ok(CellResult {
        cell: table.cell(position)?,
        job_id: row.job_id,
        status: row.status,
        record: if done {
            reader.record(row.job_id)?
        } else {
            None
        },
        live: if done {
            Vec::new()
        } else {
            reader.live(row.job_id, AttemptNumber(row.attempts))?
        },
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        error: row.error.as_deref().map(str::to_owned),
    })
}
