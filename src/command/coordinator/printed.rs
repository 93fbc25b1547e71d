//! What the paper printed for the rows of a sweep, for the live page.

use std::collections::BTreeMap;

use coordinator::service::{Printed, PrintedNumber};
use proto::nouns::SweepInfo;
use reports::SweepResults;
use reports::published::compare;
use sweeps::{Limits, expand_text};

use crate::command::expected::expected;
use crate::command::report::datasets_of;

/// Cells up to which rows are held against printed numbers: a larger grid is no table of a paper.
const MOST_CELLS: usize = 20_000;

/// The printed numbers of the rows that the paper has one for. What is known of the data is their names.
pub(super) fn printed(info: &SweepInfo) -> Vec<Printed> {
    let limits = Limits {
        max_jobs: MOST_CELLS,
    };
    // A file that this version cannot read has a page without printed numbers.
    let Ok((_, expansion)) = expand_text(&info.file, &info.text, limits) else {
        return Vec::new();
    };
    let results = SweepResults {
        datasets: datasets_of(info, &[], &BTreeMap::new()),
        columns: expansion.columns,
        cells: expected(expansion.cells.iter()),
        ..SweepResults::default()
    };
    let rows = reports::summary(&results).into_iter();
    rows.filter_map(|row| {
        let comparison = compare(&results, &results.datasets, &row)?;
        let published = comparison.published;
        let features = match published.features.as_str() {
            "" => String::new(),
            features => format!(", on {features} features"),
        };
        comparison.shown.then(|| Printed {
            variant: row.variant,
            point: row.point,
            number: PrintedNumber {
                auc: published.auc / 100.0,
                std: published.std.map(|std| std / 100.0),
                text: format!("{}, {}{features}", published.name, published.place),
                alike: comparison.differs.is_empty() && comparison.unknown.is_empty(),
            },
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::nouns::{AuditStamp, Counts, SweepSummary, Timestamp};

    fn info(dataset: &str) -> SweepInfo {
        SweepInfo {
            summary: SweepSummary {
                name: "s".into(),
                description: String::new(),
                priority: 0,
                paused: false,
                cancelled: false,
                submitted_at: Timestamp(0),
                cells: 2,
                counts: Counts::default(),
            },
            file: "s.toml".into(),
            text: format!(
                "name = \"s\"\n[dataset]\nname = \"{dataset}\"\n[axes]\nseed = [0, 1]\n[[variant]]\nname = \"GCL_B\"\njob = {{ method = \"gcl\" }}\n[[variant]]\nname = \"other\"\njob = {{ negative_learning.target = \"ones\", supervision_percent = 7.0 }}\n"
            ),
            columns: Vec::new(),
            datasets: BTreeMap::new(),
            more_datasets: 0,
            trainer_revision: 1,
            discrepancies: 0,
            lost_ms: 0,
            audit: AuditStamp::default(),
            claims: None,
        }
    }

    #[test]
    fn rows_of_the_papers_methods_have_its_numbers() {
        let numbers = printed(&info("ucf-crime"));
        let names: Vec<&str> = numbers.iter().map(|row| row.variant.as_str()).collect();
        assert_eq!(names, ["GCL_B"]);
        assert!((0.5..1.0).contains(&numbers[0].number.auc));
        assert!(printed(&info("my-own-cameras")).is_empty());
    }
}
