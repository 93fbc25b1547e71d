//! Who had which job from when to when, as far as it was heard: the lanes of the timeline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proto::nouns::Timestamp;
use serde::Serialize;
use sweeps::JobStatus;

/// Spans that are kept, the latest.
const KEPT: usize = 20_000;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanEnd {
    /// It has not ended.
    Open,
    /// With a result.
    Done,
    /// Without one.
    Failed,
    /// It was handed back, or its lease ran out; the job waits again.
    Back,
}

/// An attempt of a job on a worker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// The worker's name.
    #[serde(serialize_with = "text")]
    pub worker: Arc<str>,
    /// The position of the job's first cell.
    pub cell: u32,
    /// Since when, in milliseconds since 1970.
    pub from: u64,
    /// Until when, of one that ended.
    pub until: Option<u64>,
    /// How it ended.
    pub end: SpanEnd,
}

fn text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The spans of a sweep, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans {
    kept: VecDeque<Span>,
    /// How many were forgotten.
    forgotten: u64,
    /// By cell, the number of the span that has not ended, counted from the first that ever was.
    open: BTreeMap<u32, u64>,
}

impl Spans {
    /// An attempt began.
    pub(crate) fn begin(&mut self, worker: Arc<str>, cell: u32, at: Timestamp) {
        self.end(cell, at, SpanEnd::Back);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        self.open
            .insert(cell, self.forgotten + self.kept.len() as u64);
        self.kept.push_back(Span {
            worker,
            cell,
            from: at.0,
            until: None,
            end: SpanEnd::Open,
        });
    }

    /// The job of that cell left its worker.
    pub(crate) fn end(&mut self, cell: u32, at: Timestamp, end: SpanEnd) {
        let Some(number) = self.open.remove(&cell) else {
            return;
        };
        let position = number.checked_sub(self.forgotten);
        if let Some(span) = position.and_then(|position| self.kept.get_mut(position as usize)) {
            span.until = Some(at.0);
            span.end = end;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.kept.iter()
    }
}

/// How an attempt ended whose job stands there now.
pub(crate) fn end_of(status: JobStatus) -> SpanEnd {
    match status {
        JobStatus::Done => SpanEnd::Done,
        JobStatus::Failed | JobStatus::Quarantined => SpanEnd::Failed,
        JobStatus::Pending | JobStatus::Running | JobStatus::Cancelled => SpanEnd::Back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_once_and_the_next_one_ends_the_one_before() {
        let mut spans = Spans::default();
        spans.begin("a".into(), 1, Timestamp(10));
        spans.begin("b".into(), 2, Timestamp(11));
        spans.end(1, Timestamp(20), SpanEnd::Done);
        spans.end(1, Timestamp(21), SpanEnd::Failed);
        spans.begin("a".into(), 2, Timestamp(30));
        let told: Vec<_> = spans
            .iter()
            .map(|span| (&*span.worker, span.cell, span.from, span.until, span.end))
            .collect();
        assert_eq!(
            told,
            [
                ("a", 1, 10, Some(20), SpanEnd::Done),
                ("b", 2, 11, Some(30), SpanEnd::Back),
                ("a", 2, 30, None, SpanEnd::Open),
            ]
        );
    }
}
