//! Rows in pages: groups are sent once and named by their number.

use std::sync::Arc;

use prost::Message;
use sweeps::{Reporting, ScoreBy};

use super::name;
use crate::limits::{COLUMNS, LISTED, NAME_BYTES, PAGE_BYTES, TEXT_BYTES, WARNINGS};
use crate::nouns::{Row, RowGroup};
use crate::number::{at_most, finite, optional};
use crate::{WireError, cut, job_id, required, text, texts, wire, word};

impl From<&RowGroup> for wire::RowGroup {
    fn from(group: &RowGroup) -> Self {
        Self {
            variant: group.variant.clone(),
            point: group
                .point
                .iter()
                .map(|value| wire::PointValue {
                    value: value.as_ref().map(Into::into),
                })
                .collect(),
            score_by: wire::ScoreBy::from(group.reporting.score_by).into(),
            score_smoothing: group.reporting.score_smoothing,
            epochs: group.epochs,
            clip_segments: group.reporting.clip_segments,
        }
    }
}

impl TryFrom<wire::RowGroup> for RowGroup {
    type Error = WireError;
    fn try_from(group: wire::RowGroup) -> Result<Self, WireError> {
        at_most("group.point", group.point.len(), COLUMNS)?;
        let points = group.point.into_iter();
        Ok(Self {
            variant: name("group.variant", group.variant)?,
            point: points
                .map(|point| point.value.map(TryInto::try_into).transpose())
                .collect::<Result<_, _>>()?,
            reporting: Reporting {
                score_by: word::<wire::ScoreBy, ScoreBy>("group.score_by", group.score_by)?,
                score_smoothing: finite("group.score_smoothing", group.score_smoothing)?,
                clip_segments: group.clip_segments.filter(|segments| *segments > 0),
            },
            epochs: group.epochs,
        })
    }
}

/// Makes pages of rows. Neighbours share their group.
#[derive(Debug, Default)]
pub struct RowWriter {
    groups: u32,
    last: Option<Arc<RowGroup>>,
    page: wire::RowsPage,
    bytes: usize,
}

impl RowWriter {
    /// Pages that say that they hold every change up to that number.
    pub fn new(sequence: u64) -> Self {
        let page = wire::RowsPage {
            sequence,
            ..wire::RowsPage::default()
        };
        Self {
            page,
            ..Self::default()
        }
    }

    /// Takes a row; gives the page back that it found full.
    pub fn push(&mut self, row: &Row) -> Option<wire::RowsPage> {
        let group = self
            .last
            .as_ref()
            .is_none_or(|last| !Arc::ptr_eq(last, &row.group) && **last != *row.group)
            .then(|| wire::RowGroup::from(&*row.group));
        if group.is_some() {
            self.groups += 1;
            self.last = Some(row.group.clone());
        }
        let wire = wire::Row {
            group: self.groups - 1,
            seed: row.seed,
            job_id: row.job_id.0.to_vec(),
            status: wire::JobStatus::from(row.status).into(),
            attempts: row.attempts,
            epochs: row.epochs,
            auc: row.auc,
            error: row.error.as_deref().map(|error| cut(error, TEXT_BYTES)),
            warnings: row
                .warnings
                .iter()
                .take(WARNINGS)
                .map(|code| cut(code, NAME_BYTES))
                .collect(),
        };
        let size = wire.encoded_len() + group.as_ref().map_or(0, Message::encoded_len) + 24;
        let full = self.bytes > 0 && self.bytes + size > PAGE_BYTES;
        let page = full.then(|| self.take());
        self.bytes += size;
        self.page.groups.extend(group);
        self.page.rows.push(wire);
        page
    }

    /// The last page, which may be empty.
    pub fn finish(mut self) -> wire::RowsPage {
        self.take()
    }

    fn take(&mut self) -> wire::RowsPage {
        self.bytes = 0;
        let sequence = self.page.sequence;
        let next = wire::RowsPage {
            sequence,
            ..wire::RowsPage::default()
        };
        std::mem::replace(&mut self.page, next)
    }
}

/// Reads pages of rows in their order.
#[derive(Debug, Default)]
pub struct RowReader {
    groups: Vec<Arc<RowGroup>>,
}

impl RowReader {
    /// The rows of the next page.
    ///
    /// # Errors
    /// [`WireError`]: a page that does not follow from those before it.
    pub fn read(&mut self, page: wire::RowsPage) -> Result<Vec<Row>, WireError> {
        at_most("groups", self.groups.len() + page.groups.len(), LISTED)?;
        for group in page.groups {
            self.groups.push(Arc::new(group.try_into()?));
        }
        page.rows.into_iter().map(|row| self.row(row)).collect()
    }

    fn row(&self, row: wire::Row) -> Result<Row, WireError> {
        Ok(Row {
            group: required("row.group", self.groups.get(row.group as usize).cloned())?,
            seed: row.seed,
            job_id: job_id("row.job_id", &row.job_id)?,
            status: word::<wire::JobStatus, _>("row.status", row.status)?,
            attempts: row.attempts,
            epochs: row.epochs,
            auc: optional("row.auc", row.auc)?,
            error: row
                .error
                .map(|error| text("row.error", error, TEXT_BYTES))
                .transpose()?,
            warnings: texts("row.warnings", row.warnings, WARNINGS, NAME_BYTES)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweeps::{JobId, JobStatus, Value};

    use super::*;

    fn group(variant: u8, points: usize) -> Arc<RowGroup> {
        Arc::new(RowGroup {
            variant: format!("v{variant}"),
            point: vec![Some(Value::Integer(i64::from(variant))); points],
            reporting: Reporting::default(),
            epochs: 3,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn rows_survive_their_pages(
            rows in prop::collection::vec((0_u8..4, any::<[u8; 32]>(), 0_usize..6, prop::option::of(0..40_000_usize)), 0..300),
        ) {
            let rows: Vec<Row> = rows
                .into_iter()
                .map(|(variant, job, status, error)| Row {
                    group: group(variant, 2),
                    seed: u64::from(job[0]),
                    job_id: JobId(job),
                    status: JobStatus::ALL[status],
                    attempts: 1,
                    epochs: 7,
                    auc: Some(0.5),
                    error: error.map(|length| "é".repeat(length)),
                    warnings: vec!["few-steps".into()],
                })
                .collect();
            let mut writer = RowWriter::new(9);
            let mut pages: Vec<wire::RowsPage> = rows.iter().filter_map(|row| writer.push(row)).collect();
            pages.push(writer.finish());
            let mut reader = RowReader::default();
            let mut read = Vec::new();
            for page in pages {
                prop_assert_eq!(page.sequence, 9);
                prop_assert!(page.encoded_len() <= PAGE_BYTES + 100);
                read.extend(reader.read(page).unwrap());
            }
            let cut = rows.into_iter().map(|row| Row { error: row.error.map(|error| cut(&error, TEXT_BYTES)), ..row });
            prop_assert_eq!(read, cut.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_row_of_a_group_that_was_not_sent_is_refused() {
        let page = wire::RowsPage {
            rows: vec![wire::Row::default()],
            ..wire::RowsPage::default()
        };
        assert!(RowReader::default().read(page).is_err());
    }
}
