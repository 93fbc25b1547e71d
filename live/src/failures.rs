//! Failures by class and message.

use std::collections::BTreeMap;

use serde::Serialize;
use sweeps::{FailureClass, JobStatus};

use crate::job::Standing;

/// Cells that are named of each group, and groups that are told.
const NAMED: usize = 50;
const GROUPS: usize = 100;

/// Jobs that failed alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FailureGroup {
    /// The class, as in logs and tables.
    pub(crate) class: &'static str,
    /// The message, without attempt and worker.
    pub(crate) message: String,
    /// How many jobs.
    pub(crate) n: usize,
    /// How many of them will not be tried again by themselves.
    pub(crate) settled: usize,
    /// Positions of the first cells.
    pub(crate) cells: Vec<u32>,
}

/// Class and message of a failure as rows and changes tell it: `CLASS: MESSAGE (attempt 2 on WORKER)`.
fn parts(error: &str) -> (&'static str, &str) {
    let text = error.rfind(" (attempt ").map_or(error, |end| &error[..end]);
    let class = FailureClass::ALL
        .into_iter()
        .map(FailureClass::name)
        .find(|name| {
            text.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(": "))
        });
    match class {
        Some(name) => (name, &text[name.len() + 2..]),
        None => ("other", text),
    }
}

/// The failures among these jobs, the most frequent first.
pub(crate) fn failures<'a>(jobs: impl Iterator<Item = Standing<'a>>) -> Vec<FailureGroup> {
    let mut groups: BTreeMap<(&'static str, &str), FailureGroup> = BTreeMap::new();
    for job in jobs.filter(|job| job.status != JobStatus::Done) {
        let Some(error) = job.error else {
            continue;
        };
        let (class, message) = parts(error);
        let group = groups
            .entry((class, message))
            .or_insert_with(|| FailureGroup {
                class,
                message: message.to_owned(),
                n: 0,
                settled: 0,
                cells: Vec::new(),
            });
        group.n += 1;
        group.settled += usize::from(job.status.is_failure());
        if group.cells.len() < NAMED {
            group.cells.extend(job.cell);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.n));
    groups.truncate(GROUPS);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use sweeps::JobId;

    #[test]
    fn equal_failures_are_one_line_whoever_had_them() {
        let job = |number: u8, status, error: &str| Job {
            status,
            error: Some(error.into()),
            cells: vec![u32::from(number)],
            ..Job::new(JobId([number; 32]))
        };
        let jobs = [
            job(1, JobStatus::Failed, "trainer: panicked (attempt 2 on a)"),
            job(2, JobStatus::Pending, "trainer: panicked (attempt 1 on b)"),
            job(
                3,
                JobStatus::Failed,
                "bad-data: it says (attempt 1) (attempt 1 on b)",
            ),
            job(4, JobStatus::Done, "trainer: panicked (attempt 1 on b)"),
            job(5, JobStatus::Failed, "something else"),
        ];
        let told = failures(jobs.iter().map(Job::standing));
        let lines: Vec<_> = told
            .iter()
            .map(|group| (group.class, group.message.as_str(), group.n, group.settled))
            .collect();
        assert_eq!(
            lines,
            [
                ("trainer", "panicked", 2, 1),
                ("bad-data", "it says (attempt 1)", 1, 1),
                ("other", "something else", 1, 1),
            ]
        );
        assert_eq!(told[0].cells, [1, 2]);
    }
}
