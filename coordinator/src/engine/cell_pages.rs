//! The cells of a sweep with their records, a bounded page at a time.

use std::sync::Arc;

use sweeps::{CellResult, JobStatus};

use crate::model::cells::{CellRow, CellTable};
use crate::store::blocking::blocking;
use crate::store::index::Reader;
use proto::nouns::Refusal;

/// The cells of a sweep, a bounded page at a time.
pub struct CellPages {
    pub(crate) reader: Reader,
    pub(crate) table: Arc<CellTable>,
    pub(crate) rows: CellRows,
    /// Positions of the cells that are wanted; `None`: all.
    pub(crate) chosen: Option<Vec<usize>>,
    pub(crate) next: usize,
}

impl CellPages {
    /// Cells that are read at a time, and the bytes of their records after which a page ends.
    const PAGE: usize = 256;
    const PAGE_BYTES: usize = 4 << 20;

    /// Only these cells.
    #[must_use]
    pub(crate) fn only(mut self, cells: Vec<usize>) -> Self {
        self.chosen = Some(cells);
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
        let positions: Vec<usize> = match &self.chosen {
            None => range.collect(),
            Some(chosen) => chosen[range].to_vec(),
        };
        let (reader, table, rows) = (self.reader.clone(), self.table.clone(), self.rows.clone());
        let page = blocking(move || {
            let mut page = Vec::new();
            let mut bytes = 0;
            for position in positions {
                let row = rows.of(position);
                let cell = cell_result(&reader, &table, position, row)?;
                bytes += weight(&cell);
                page.push(cell);
                if bytes > Self::PAGE_BYTES {
                    break;
                }
            }
            Ok::<_, Refusal>(page)
        })
        .await??;
        self.next += page.len();
        Ok(Some(page))
    }
}

/// The rows of all cells, or the one that all chosen cells share.
#[derive(Clone)]
pub(crate) enum CellRows {
    All(Arc<[CellRow]>),
    One(Arc<CellRow>),
}

impl CellRows {
    fn of(&self, position: usize) -> &CellRow {
        match self {
            Self::All(rows) => &rows[position],
            Self::One(row) => row,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::All(rows) => rows.len(),
            Self::One(_) => 1,
        }
    }
}

/// About the bytes that a cell has in memory: points, and texts of warnings.
fn weight(cell: &CellResult) -> usize {
    const POINT: usize = 80;
    let of_record = cell.record.as_ref().map_or(0, |record| {
        let warnings = record.outcome.warnings.iter();
        record.outcome.curve.len() * POINT
            + warnings.map(|warning| warning.message.len()).sum::<usize>()
    });
    1024 + of_record + cell.live.len() * POINT
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
            reader.live(row.job_id, row.last_attempt)?
        },
        attempts: row.last_attempt.count(),
        error: row.error.as_deref().map(str::to_owned),
    })
}
