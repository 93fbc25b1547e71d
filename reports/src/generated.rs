//! Generated data sets in reports: which columns are settings of data, and one name for sets that differ in the generator's seed alone.

use std::fmt;

use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// Whether a swept column says which data a job reads, and not how it is trained.
pub(crate) fn is_data(column: &str) -> bool {
    column == "dataset" || sweeps::registry::find_setting(column).is_some()
}

/// Data sets that differ in the generator's seed alone; of others each is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    /// The first of its names.
    pub(crate) first: String,
    /// How many there are.
    pub(crate) count: usize,
}

/// The families of data sets of these names, in the order of first appearance. A name that comes twice is one data set.
pub(crate) fn families<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Family> {
    let mut seen: Vec<&str> = Vec::new();
    let mut families: Vec<Family> = Vec::new();
    for name in names {
        if seen.last() == Some(&name) || seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let base = without_seed(name);
        let known = families
            .iter_mut()
            .find(|family| base.is_some() && without_seed(&family.first) == base);
        match known {
            Some(family) => family.count += 1,
            None => families.push(Family {
                first: name.to_owned(),
                count: 1,
            }),
        }
    }
    families
}

/// The data sets of a row's cells, in words.
pub(crate) fn of_row(results: &SweepResults, row: &SummaryRow) -> String {
    let families = families_of(results, row);
    let shown: Vec<String> = families.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

/// The common name of a row's data sets, where they differ in their seed alone.
pub(crate) fn of_seeds(results: &SweepResults, row: &SummaryRow) -> Option<String> {
    match families_of(results, row).as_slice() {
        [family] if family.count > 1 => Some(family.to_string()),
        _ => None,
    }
}

fn families_of(results: &SweepResults, row: &SummaryRow) -> Vec<Family> {
    let cells = row.cells.iter().filter_map(|cell| results.cells.get(*cell));
    let names: Vec<String> = cells
        .map(|result| result.cell.job.dataset.to_string())
        .collect();
    families(names.iter().map(String::as_str))
}

/// `synthetic-…-d128 (10 seeds)`.
impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match without_seed(&self.first) {
            Some(base) if self.count > 1 => write!(formatter, "{base} ({} seeds)", self.count),
            _ => self.first.fmt(formatter),
        }
    }
}

fn without_seed(name: &str) -> Option<&str> {
    let (base, seed) = name.rsplit_once("-s")?;
    let is_seed = !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit());
    (base.starts_with("synthetic-") && is_seed).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_several_seeds_have_one_name() {
        let names = [
            "synthetic-hard-bursts-12x6-d8-s0",
            "ped2-s1",
            "synthetic-hard-bursts-12x6-d8-s1",
            "ped2-s2",
            "synthetic-hard-bursts-12x6-d8-s1",
            "synthetic-hard-bursts-12x6-d9-s1",
        ];
        let shown: Vec<String> = families(names.into_iter())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            shown,
            [
                "synthetic-hard-bursts-12x6-d8 (2 seeds)",
                "ped2-s1",
                "ped2-s2",
                "synthetic-hard-bursts-12x6-d9-s1"
            ]
        );
        assert!(is_data("dataset") && is_data("dataset.synthetic.clutter") && !is_data("epochs"));
    }
}
