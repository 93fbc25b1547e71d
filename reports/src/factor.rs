//! What a sweep varies besides variants and seeds: the factors of its grid.
//!
//! A factor is a column that differs between cells, together with every column that is a function of it. A `[[zip]]` of
//! `dataset` and `batch_size` is one factor, called `dataset`: nobody can tell the effect of the one from that of the
//! other. The rule looks at the cells alone, so it is the same for a report that is made from `results.csv`.

use std::collections::HashMap;

use sweeps::{CellResult, Value};

use crate::results::SweepResults;

/// One thing that a sweep varies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// The column that names its levels, by index in [`SweepResults::columns`].
    pub column: usize,
    /// Columns that are functions of it, in the order of the columns.
    pub derived: Vec<usize>,
}

impl Factor {
    /// The name of its column.
    pub fn name<'a>(&self, columns: &'a [String]) -> &'a str {
        columns.get(self.column).map_or("", String::as_str)
    }

    /// Its name with those of the columns that move with it: `dataset (with batch_size)`.
    pub fn full_name(&self, columns: &[String]) -> String {
        let derived: Vec<&str> = self
            .derived
            .iter()
            .filter_map(|index| columns.get(*index))
            .map(String::as_str)
            .collect();
        if derived.is_empty() {
            self.name(columns).to_owned()
        } else {
            format!("{} (with {})", self.name(columns), derived.join(", "))
        }
    }
}

/// The factors of a sweep's grid in the order of their columns. Unfinished cells count: a factor does not depend on what
/// has finished. A column with one value is no factor.
pub fn factors(results: &SweepResults) -> Vec<Factor> {
    let levels: Vec<Vec<usize>> = (0..results.columns.len())
        .map(|column| levels(&results.cells, column))
        .collect();
    let count = |column: usize| levels[column].iter().max().map_or(0, |most| most + 1);
    let mut order: Vec<usize> = (0..results.columns.len())
        .filter(|column| count(*column) > 1)
        .collect();
    // The data set gives a zip its name, whatever moves with it; of other columns the finest does, then the first.
    order.sort_by_key(|column| {
        (
            results.columns[*column] != "dataset",
            std::cmp::Reverse(count(*column)),
            *column,
        )
    });
    let mut factors: Vec<Factor> = Vec::new();
    for column in order {
        let leader = factors
            .iter_mut()
            .find(|factor| is_function(&levels[factor.column], &levels[column]));
        match leader {
            Some(factor) => factor.derived.push(column),
            None => factors.push(Factor {
                column,
                derived: Vec::new(),
            }),
        }
    }
    for factor in &mut factors {
        factor.derived.sort_unstable();
    }
    factors.sort_by_key(|factor| factor.column);
    factors
}

/// For each cell, the number of its value of that column, counted in the order of first appearance.
fn levels(cells: &[CellResult], column: usize) -> Vec<usize> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut last: Option<(&Option<Value>, usize)> = None;
    cells
        .iter()
        .map(|result| {
            let value = result.cell.point.get(column).unwrap_or(&None);
            // Neighbours differ in their seed alone, mostly.
            if let Some((before, level)) = last
                && before == value
            {
                return level;
            }
            let next = seen.len();
            let level = *seen.entry(format!("{value:?}")).or_insert(next);
            last = Some((value, level));
            level
        })
        .collect()
}

/// Whether equal levels of `leader` always come with equal levels of `other`.
fn is_function(leader: &[usize], other: &[usize]) -> bool {
    let mut map: HashMap<usize, usize> = HashMap::new();
    leader
        .iter()
        .zip(other)
        .all(|(level, value)| map.entry(*level).or_insert(*value) == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{Cell, DatasetSource, JobId, JobSpec, JobStatus, Parameters, Reporting};

    fn grid(columns: &[&str], points: &[&[i64]]) -> SweepResults {
        let cells = points.iter().map(|point| CellResult {
            cell: Cell {
                variant: "v".into(),
                point: point
                    .iter()
                    .map(|value| Some(Value::Integer(*value)))
                    .collect(),
                job: JobSpec {
                    dataset: DatasetSource::Named("data".into()),
                    seed: 0,
                    parameters: Parameters::default(),
                },
                reporting: Reporting::default(),
            },
            job_id: JobId([0; 32]),
            status: JobStatus::Pending,
            record: None,
            live: Vec::new(),
            attempts: 0,
            error: None,
        });
        SweepResults {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            cells: cells.collect(),
            ..SweepResults::default()
        }
    }

    fn named(results: &SweepResults) -> Vec<String> {
        factors(results)
            .iter()
            .map(|factor| factor.full_name(&results.columns))
            .collect()
    }

    #[test]
    fn a_zip_is_one_factor() {
        let zip = grid(&["batch_size", "dataset"], &[&[8192, 0], &[512, 1]]);
        assert_eq!(named(&zip), ["dataset (with batch_size)"]);
        // Two of three data sets share a batch size.
        let zip = grid(
            &["batch_size", "dataset"],
            &[&[8192, 0], &[512, 1], &[512, 2]],
        );
        assert_eq!(named(&zip), ["dataset (with batch_size)"]);
    }

    #[test]
    fn crossed_columns_are_factors_each() {
        let crossed = grid(
            &["epochs", "k", "constant"],
            &[&[1, 1, 7], &[1, 2, 7], &[2, 1, 7], &[2, 2, 7]],
        );
        assert_eq!(named(&crossed), ["epochs", "k"]);
        let with_zip = grid(
            &["a", "b", "c"],
            &[&[1, 10, 0], &[2, 20, 0], &[1, 10, 1], &[2, 20, 1]],
        );
        assert_eq!(named(&with_zip), ["a (with b)", "c"]);
    }

    #[test]
    fn the_finest_column_leads() {
        let nested = grid(&["coarse", "fine"], &[&[0, 0], &[0, 1], &[1, 2], &[1, 3]]);
        assert_eq!(named(&nested), ["fine (with coarse)"]);
    }
}
