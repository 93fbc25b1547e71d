//! Who had which job from when to when, as far as it was heard: the lanes of the timeline.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use proto::nouns::Timestamp;
use serde::Serialize;
use sweeps::JobStatus;

/// Spans that are kept, the latest.
const KEPT: usize = 100_000;

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
    /// What was wrong, of one that failed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_text")]
    pub error: Option<Arc<str>>,
}

fn text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

#[expect(clippy::ref_option, reason = "serde asks so")]
fn some_text<S: serde::Serializer>(
    text: &Option<Arc<str>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_some(&text.as_deref())
}

/// The spans of a sweep, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans {
    kept: VecDeque<Span>,
    /// How many were forgotten.
    forgotten: u64,
    /// How often what is kept was numbered anew.
    anew: u64,
    /// By cell, the number of the span that has not ended, counted from the first that ever was.
    open: BTreeMap<u32, u64>,
}

impl Spans {
    /// An attempt began.
    pub(crate) fn begin(&mut self, worker: Arc<str>, cell: u32, at: Timestamp) {
        self.end(cell, at, SpanEnd::Back, None);
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
            error: None,
        });
    }

    /// The job of that cell left its worker.
    pub(crate) fn end(&mut self, cell: u32, at: Timestamp, end: SpanEnd, error: Option<Arc<str>>) {
        let Some(number) = self.open.remove(&cell) else {
            return;
        };
        let position = number.checked_sub(self.forgotten);
        if let Some(span) = position.and_then(|position| self.kept.get_mut(position as usize)) {
            span.until = Some(at.0);
            span.end = end;
            span.error = error;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Span> {
        self.kept.iter()
    }

    /// Puts what happened before `begin` before what was heard since then.
    pub(crate) fn precede(&mut self, older: &Self, begin: Timestamp) {
        let known: BTreeSet<(u32, u64)> = self
            .kept
            .iter()
            .map(|span| (span.cell, span.from))
            .collect();
        // Of an attempt that was under way at the beginning its end was heard, or will be.
        let under_way: BTreeSet<u32> = self
            .kept
            .iter()
            .filter(|span| span.from < begin.0)
            .map(|span| span.cell)
            .collect();
        let is_past = |span: &&Span| {
            let ended = span.until.is_some_and(|until| until <= begin.0);
            span.from < begin.0
                && span.until.is_some()
                && !known.contains(&(span.cell, span.from))
                && (ended || !under_way.contains(&span.cell))
        };
        let mut all: Vec<Span> = older.kept.iter().filter(is_past).cloned().collect();
        all.extend(self.kept.drain(..));
        all.sort_by_key(|span| span.from);
        all.drain(..all.len().saturating_sub(KEPT));
        let open = all.iter().enumerate();
        self.open = open
            .filter(|(_, span)| span.end == SpanEnd::Open)
            .map(|(number, span)| (span.cell, number as u64))
            .collect();
        self.kept = all.into();
        self.forgotten = 0;
        self.anew += 1;
    }

    /// The spans from that number on, for whoever has those before; all of them where they were numbered anew since.
    pub(crate) fn timeline(&self, since: u64, anew: u64) -> Timeline {
        let since = if anew == self.anew { since } else { 0 };
        let first = since.max(self.forgotten);
        let skip = (first - self.forgotten) as usize;
        Timeline {
            anew: self.anew,
            first,
            spans: self.kept.iter().skip(skip).cloned().collect(),
        }
    }
}

/// Spans and their numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    anew: u64,
    /// The number of the first of them.
    first: u64,
    spans: Vec<Span>,
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
    fn what_the_journal_tells_comes_before_what_was_heard() {
        let end = |spans: &mut Spans, cell, at| spans.end(cell, Timestamp(at), SpanEnd::Done, None);
        // Job 1 ended before the page was looked at, job 2 was under way, job 3 began later.
        let mut journal = Spans::default();
        journal.begin("a".into(), 1, Timestamp(10));
        end(&mut journal, 1, 20);
        journal.begin("b".into(), 2, Timestamp(15));
        journal.begin("a".into(), 3, Timestamp(31));
        end(&mut journal, 2, 35);
        let mut heard = Spans::default();
        heard.begin("b".into(), 2, Timestamp(15));
        heard.begin("a".into(), 3, Timestamp(32));
        end(&mut heard, 2, 36);
        heard.precede(&journal, Timestamp(30));
        let told = |spans: &Spans| -> Vec<_> {
            spans
                .iter()
                .map(|span| (span.cell, span.from, span.until))
                .collect()
        };
        assert_eq!(
            told(&heard),
            [(1, 10, Some(20)), (2, 15, Some(36)), (3, 32, None)]
        );
        // What was open can still end, and a page that knows older numbers begins anew.
        end(&mut heard, 3, 40);
        assert_eq!(told(&heard)[2], (3, 32, Some(40)));
        assert_eq!(heard.timeline(2, 1).spans.len(), 1);
        assert_eq!(heard.timeline(2, 0).spans.len(), 3);
    }

    #[test]
    fn an_attempt_ends_once_and_the_next_one_ends_the_one_before() {
        let mut spans = Spans::default();
        spans.begin("a".into(), 1, Timestamp(10));
        spans.begin("b".into(), 2, Timestamp(11));
        spans.end(1, Timestamp(20), SpanEnd::Done, None);
        spans.end(1, Timestamp(21), SpanEnd::Failed, None);
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
