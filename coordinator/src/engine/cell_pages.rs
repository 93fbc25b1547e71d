//! The cells of a sweep with their records, a bounded page at a time.

use std::sync::Arc;

use sweeps::{AttemptNumber, CellResult, JobId, JobStatus};

use crate::message::Refusal;
use crate::model::cells::{CellRow, CellTable};
use crate::store::blocking::blocking;
use crate::store::index::Reader;

/// The cells of a sweep, a bounded page at a time.
pub struct CellPages {
    pub(crate) reader: Reader,
    pub(crate) table: Arc<CellTable>,
    pub(crate) rows: Arc<[CellRow]>,
    /// Positions of the cells that are wanted; `None`: all.
    pub(crate) chosen: Option<Vec<usize>>,
    pub(crate) next: usize,
}

impl CellPages {
    /// Cells that are read at a time: some megabytes of records with 100 epochs each.
    const PAGE: usize = 256;

    /// Only the cells of that job.
    #[must_use]
    pub fn of_job(mut self, job: JobId) -> Self {
        let rows = self.rows.iter().enumerate();
        let of_job = rows.filter(|(_, row)| row.job_id == job);
        self.chosen = Some(of_job.map(|(position, _)| position).collect());
        self
    }

    /// All cells together.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.rows.len(), Vec::len)
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next page, `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<CellResult>>, Refusal> {
        if self.next >= self.len() {
            return Ok(None);
        }
        let range = self.next..(self.next + Self::PAGE).min(self.len());
        self.next = range.end;
        let positions: Vec<usize> = match &self.chosen {
            None => range.collect(),
            Some(chosen) => chosen[range].to_vec(),
        };
        let (reader, table, rows) = (self.reader.clone(), self.table.clone(), self.rows.clone());
        blocking(move || {
            positions
                .into_iter()
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
        attempts: u32::try_from(AttemptNumber(row.attempts).count()).unwrap_or(u32::MAX),
        error: row.error.as_deref().map(str::to_owned),
    })
}
