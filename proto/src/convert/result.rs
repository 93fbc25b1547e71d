//! Cells and what became of them.

use std::sync::Arc;

use sweeps::{Cell, CellResult, JobStatus, Reporting, ScoreBy};

use super::record::all;
use crate::error::WireError;
use crate::limits::{COLUMNS, CURVE_POINTS, NAME_BYTES, TEXT_BYTES};
use crate::number::{at_most, finite, job_id, required, text, word};
use crate::page::cut;
use crate::wire;

crate::same_words!(
    "status",
    JobStatus,
    wire::JobStatus,
    [Pending, Running, Done, Failed, Quarantined, Cancelled]
);
crate::same_words!(
    "score_by",
    ScoreBy,
    wire::ScoreBy,
    [Discriminator, Generator, Fused]
);

impl From<&CellResult> for wire::CellResult {
    fn from(result: &CellResult) -> Self {
        let cell = &result.cell;
        Self {
            variant: cell.variant.clone(),
            point: cell
                .point
                .iter()
                .map(|value| wire::PointValue {
                    value: value.as_ref().map(Into::into),
                })
                .collect(),
            job: Some((&cell.job).into()),
            score_by: wire::ScoreBy::from(cell.reporting.score_by).into(),
            score_smoothing: cell.reporting.score_smoothing,
            job_id: result.job_id.0.to_vec(),
            status: wire::JobStatus::from(result.status).into(),
            record: result.record.as_deref().map(Into::into),
            live: result
                .live
                .iter()
                .take(CURVE_POINTS)
                .map(Into::into)
                .collect(),
            attempts: result.attempts,
            error: result.error.as_deref().map(|error| cut(error, TEXT_BYTES)),
            clip_segments: cell.reporting.clip_segments,
        }
    }
}

impl TryFrom<wire::CellResult> for CellResult {
    type Error = WireError;
    fn try_from(result: wire::CellResult) -> Result<Self, WireError> {
        at_most("cell.point", result.point.len(), COLUMNS)?;
        at_most("cell.live", result.live.len(), CURVE_POINTS)?;
        Ok(Self {
            cell: Cell {
                variant: text("cell.variant", result.variant, NAME_BYTES)?,
                point: result
                    .point
                    .into_iter()
                    .map(|point| point.value.map(TryInto::try_into).transpose())
                    .collect::<Result<_, _>>()?,
                job: required("cell.job", result.job)?.try_into()?,
                reporting: Reporting {
                    score_by: word::<wire::ScoreBy, _>("cell.score_by", result.score_by)?,
                    score_smoothing: finite("cell.score_smoothing", result.score_smoothing)?,
                    clip_segments: result.clip_segments.filter(|segments| *segments > 0),
                },
            },
            job_id: job_id("cell.job_id", &result.job_id)?,
            status: word::<wire::JobStatus, _>("cell.status", result.status)?,
            record: result
                .record
                .map(TryInto::try_into)
                .transpose()?
                .map(Arc::new),
            live: all(result.live)?,
            attempts: result.attempts,
            error: result
                .error
                .map(|error| text("cell.error", error, TEXT_BYTES))
                .transpose()?,
        })
    }
}
