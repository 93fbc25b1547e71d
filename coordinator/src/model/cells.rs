//! The cells of a sweep, packed: a waiting job costs tens of bytes, not the kilobytes of its own map of parameters.
//!
//! Every value is kept once, every set of parameters is a row of numbers of values, and equal rows (jobs that differ in
//! their seed) are kept once too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sweeps::{
    AttemptNumber, Cell, Choice, DatasetSource, Digest, JobId, JobSpec, JobStatus, Parameters,
    Reporting, ScoreBy, Value,
};

use proto::nouns::Refusal;

/// The cells of a sweep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct CellTable {
    columns: Vec<String>,
    sources: Vec<(DatasetSource, Digest)>,
    variants: Vec<String>,
    reportings: Vec<Reporting>,
    /// Names of the parameters, the columns of `settings`.
    names: Vec<String>,
    values: Vec<Value>,
    /// Rows of `names.len()` numbers: 0 is "not set", otherwise 1 + the position of a value.
    settings: Vec<u32>,
    /// Rows of `columns.len()` numbers, likewise.
    points: Vec<u32>,
    rows: Vec<Row>,
}

/// A cell: seed, then positions in the table's lists.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Row(u64, u32, u32, u32, u32, u32);

/// Some of a table's cells, in their order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TablePart(Vec<Row>);

/// The same fields before they are checked: a table is read from a file, and a position must not point outside it.
#[derive(Deserialize)]
struct Unchecked {
    columns: Vec<String>,
    sources: Vec<(DatasetSource, Digest)>,
    variants: Vec<String>,
    reportings: Vec<Reporting>,
    names: Vec<String>,
    values: Vec<Value>,
    settings: Vec<u32>,
    points: Vec<u32>,
    rows: Vec<Row>,
}

/// A table that contradicts itself, or means a parameter that this version does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored cells of a sweep cannot be read: {0}")]
pub struct CellError(String);

impl From<CellError> for Refusal {
    fn from(error: CellError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl TryFrom<Unchecked> for CellTable {
    type Error = CellError;
    fn try_from(raw: Unchecked) -> Result<Self, CellError> {
        let table = Self {
            columns: raw.columns,
            sources: raw.sources,
            variants: raw.variants,
            reportings: raw.reportings,
            names: raw.names,
            values: raw.values,
            settings: raw.settings,
            points: raw.points,
            rows: raw.rows,
        };
        table.check_lists()?;
        table.check_rows(&table.rows)?;
        Ok(table)
    }
}

impl TablePart {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl CellTable {
    fn check_lists(&self) -> Result<(), CellError> {
        let table = self;
        let numbers = table.settings.iter().chain(&table.points);
        let values = table.values.len();
        if numbers.clone().any(|number| *number as usize > values) {
            return Err(CellError("a value is missing".into()));
        }
        Ok(())
    }

    fn check_rows(&self, rows: &[Row]) -> Result<(), CellError> {
        let table = self;
        let whole = |row: u32, width: usize, length: usize| {
            (row as usize + 1)
                .checked_mul(width)
                .is_some_and(|end| end <= length)
        };
        for Row(_, source, variant, reporting, settings, point) in rows {
            if *source as usize >= table.sources.len()
                || *variant as usize >= table.variants.len()
                || *reporting as usize >= table.reportings.len()
                || !whole(*settings, table.names.len(), table.settings.len())
                || !whole(*point, table.columns.len(), table.points.len())
            {
                return Err(CellError("a position points outside".into()));
            }
        }
        Ok(())
    }

    /// All that it knows but the cells.
    #[must_use]
    pub fn without_cells(&self) -> Self {
        Self {
            columns: self.columns.clone(),
            sources: self.sources.clone(),
            variants: self.variants.clone(),
            reportings: self.reportings.clone(),
            names: self.names.clone(),
            values: self.values.clone(),
            settings: self.settings.clone(),
            points: self.points.clone(),
            rows: Vec::new(),
        }
    }

    /// Some of its cells, as far as they exist.
    pub fn part(&self, cells: std::ops::Range<usize>) -> TablePart {
        TablePart(self.rows.get(cells).unwrap_or_default().to_vec())
    }

    /// Cells that are like others but for their seed.
    pub fn with_seeds(&self, of: &[(u32, u64)]) -> Result<TablePart, CellError> {
        let rows = of.iter().map(|(cell, seed)| {
            let Row(_, source, variant, reporting, settings, point) = self.row(*cell as usize)?;
            Ok(Row(*seed, source, variant, reporting, settings, point))
        });
        rows.collect::<Result<_, CellError>>().map(TablePart)
    }

    /// Makes room for so many cells more.
    pub fn reserve(&mut self, cells: usize) {
        self.rows.reserve_exact(cells);
    }

    /// Puts cells at its end.
    pub fn append(&mut self, part: &TablePart) -> Result<(), CellError> {
        self.check_rows(&part.0)?;
        self.rows.extend_from_slice(&part.0);
        Ok(())
    }

    /// Packs `cells`; `digests` holds that of every data set among them.
    pub fn new(
        columns: Vec<String>,
        cells: &[Cell],
        digests: &BTreeMap<DatasetSource, Digest>,
    ) -> Result<Self, CellError> {
        let mut names = BTreeSet::new();
        let mut last: Option<&Parameters> = None;
        for cell in cells {
            let parameters = &cell.job.parameters;
            if !last.is_some_and(|last| last.shares(parameters)) {
                names.extend(parameters.iter().map(|(name, _)| name));
            }
            last = Some(parameters);
        }
        let names: Vec<&'static str> = names.into_iter().collect();

        let mut table = Self {
            columns,
            sources: Vec::new(),
            variants: Vec::new(),
            reportings: Vec::new(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            values: Vec::new(),
            settings: Vec::new(),
            points: Vec::new(),
            rows: Vec::with_capacity(cells.len()),
        };
        let mut pool = Pool::default();
        let mut setting_rows = Rows::default();
        let mut point_rows = Rows::default();
        let mut sources = Positions::default();
        let mut variants = Positions::default();
        let mut reportings = Positions::default();
        let mut last: Option<(&Parameters, u32)> = None;
        for cell in cells {
            if cell.point.len() != table.columns.len() {
                return Err(CellError("a point has another length".into()));
            }
            let digest = *digests
                .get(&cell.job.dataset)
                .ok_or_else(|| CellError(format!("no digest of `{}`", cell.job.dataset)))?;
            let parameters = &cell.job.parameters;
            let settings = match last {
                // Cells that differ in their seed share their parameters.
                Some((last, row)) if parameters.shares(last) => row,
                _ => {
                    let settings: Vec<u32> = names
                        .iter()
                        .enumerate()
                        .map(|(column, name)| pool.number(column, parameters.get(name)))
                        .collect();
                    setting_rows.number(settings, &mut table.settings)
                }
            };
            last = Some((parameters, settings));
            let point: Vec<u32> = cell
                .point
                .iter()
                .enumerate()
                .map(|(column, value)| pool.number(names.len() + column, value.as_ref()))
                .collect();
            let row = Row(
                cell.job.seed,
                sources.of(&cell.job.dataset, || {
                    table.sources.push((cell.job.dataset.clone(), digest));
                }),
                variants.of(&cell.variant, || table.variants.push(cell.variant.clone())),
                reportings.of(&reporting_key(cell.reporting), || {
                    table.reportings.push(cell.reporting);
                }),
                settings,
                point_rows.number(point, &mut table.points),
            );
            table.rows.push(row);
        }
        table.values = pool.values;
        Ok(table)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Names of the swept parameters but `seed`.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The data sets with their digests.
    pub fn sources(&self) -> &[(DatasetSource, Digest)] {
        &self.sources
    }

    /// The position in [`Self::sources`] of a cell's data set.
    pub fn source_of(&self, cell: usize) -> usize {
        self.rows[cell].1 as usize
    }

    /// The training run of a cell.
    pub fn job(&self, cell: usize) -> Result<JobSpec, CellError> {
        let Row(seed, source, _, _, settings, _) = self.row(cell)?;
        let start = settings as usize * self.names.len();
        let mut parameters = Parameters::default();
        for (name, number) in self.names.iter().zip(&self.settings[start..]) {
            if *number > 0 {
                parameters
                    .set(name, &self.values[*number as usize - 1])
                    .map_err(|error| CellError(error.to_string()))?;
            }
        }
        Ok(JobSpec {
            dataset: self.sources[source as usize].0.clone(),
            seed,
            parameters,
        })
    }

    /// A cell's seed.
    pub fn seed(&self, cell: usize) -> Result<u64, CellError> {
        Ok(self.row(cell)?.0)
    }

    /// The score whose AUC a cell reports.
    pub fn score_by(&self, cell: usize) -> Result<ScoreBy, CellError> {
        let Row(_, _, _, reporting, _, _) = self.row(cell)?;
        Ok(self.reportings[reporting as usize].score_by)
    }

    /// Whether two cells differ in their seed alone.
    pub fn are_alike(&self, left: usize, right: usize) -> bool {
        let key = |cell| {
            let Row(_, source, variant, reporting, settings, point) = self.row(cell).ok()?;
            Some((source, variant, reporting, settings, point))
        };
        key(left) == key(right)
    }

    /// A cell.
    pub fn cell(&self, cell: usize) -> Result<Cell, CellError> {
        let Row(_, _, variant, reporting, _, point) = self.row(cell)?;
        let start = point as usize * self.columns.len();
        Ok(Cell {
            variant: self.variants[variant as usize].clone(),
            point: self.points[start..start + self.columns.len()]
                .iter()
                .map(|number| {
                    number
                        .checked_sub(1)
                        .map(|value| self.values[value as usize].clone())
                })
                .collect(),
            job: self.job(cell)?,
            reporting: self.reportings[reporting as usize],
        })
    }

    fn row(&self, cell: usize) -> Result<Row, CellError> {
        self.rows
            .get(cell)
            .copied()
            .ok_or_else(|| CellError(format!("there is no cell {cell}")))
    }
}

/// Where each different item of a list stands. Neighbours are alike, so the last one is looked at first.
struct Positions<K> {
    known: BTreeMap<K, u32>,
    last: Option<(K, u32)>,
}

impl<K> Default for Positions<K> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            last: None,
        }
    }
}

impl<K: Ord + Clone> Positions<K> {
    /// The position of an item; `add` puts it at the list's end where it is new.
    fn of(&mut self, item: &K, add: impl FnOnce()) -> u32 {
        if let Some((last, position)) = &self.last
            && last == item
        {
            return *position;
        }
        let position = if let Some(known) = self.known.get(item) {
            *known
        } else {
            add();
            let next = self.known.len() as u32;
            self.known.insert(item.clone(), next);
            next
        };
        self.last = Some((item.clone(), position));
        position
    }
}

/// What tells two ways of reporting apart.
fn reporting_key(reporting: Reporting) -> (&'static str, u64, Option<u32>) {
    (
        reporting.score_by.word(),
        reporting.score_smoothing.to_bits(),
        reporting.clip_segments,
    )
}

/// Every value once.
#[derive(Default)]
struct Pool {
    values: Vec<Value>,
    known: HashMap<String, u32>,
    /// The number that each column had in the cell before: mostly the same one again.
    last: Vec<u32>,
}

impl Pool {
    fn number(&mut self, column: usize, value: Option<&Value>) -> u32 {
        let Some(value) = value else { return 0 };
        if self.last.len() <= column {
            self.last.resize(column + 1, 0);
        }
        let last = self.last[column];
        // Equality of values calls 0 and −0 equal, and so does a job's id; a report shows the first of them.
        if last > 0 && self.values[last as usize - 1] == *value {
            return last;
        }
        let key = serde_json::to_string(value).unwrap_or_default();
        let number = *self.known.entry(key).or_insert_with(|| {
            self.values.push(value.clone());
            self.values.len() as u32
        });
        self.last[column] = number;
        number
    }
}

/// Every row once, in one flat list.
#[derive(Default)]
struct Rows {
    known: HashMap<Vec<u32>, u32>,
}

impl Rows {
    fn number(&mut self, row: Vec<u32>, flat: &mut Vec<u32>) -> u32 {
        let next = self.known.len() as u32;
        *self.known.entry(row).or_insert_with_key(|row| {
            flat.extend(row);
            next
        })
    }
}

/// Where the job of a cell stands.
#[derive(Debug, Clone)]
pub struct CellRow {
    /// Its job.
    pub job_id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// Its last attempt, whose number counts them.
    pub last_attempt: AttemptNumber,
    /// The last failure, of a job without a record.
    pub error: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::fixture;

    #[test]
    fn packing_and_unpacking_is_the_identity() {
        let (columns, cells, digests) = fixture::grid(40, 3);
        let table = CellTable::new(columns, &cells, &digests).unwrap();
        let text = serde_json::to_string(&table).unwrap();
        let again: CellTable = serde_json::from_str(&text).unwrap();
        assert_eq!(again, table);
        for (position, cell) in cells.iter().enumerate() {
            assert_eq!(&again.cell(position).unwrap(), cell);
        }
    }

    #[test]
    fn a_table_that_points_outside_itself_is_refused() {
        let (columns, cells, digests) = fixture::grid(4, 1);
        let table = CellTable::new(columns, &cells, &digests).unwrap();
        let mut raw = serde_json::to_value(&table).unwrap();
        raw["rows"][2][4] = 4_000_000_000_u64.into();
        assert!(serde_json::from_value::<CellTable>(raw).is_err());
        assert!(table.cell(4).is_err());
    }
}
