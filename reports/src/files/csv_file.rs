//! A CSV file of ours, also one that came back from pandas or Excel: with an index, other columns, other delimiters, other spellings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use sweeps::{Value, registry, spelling};

use super::cell_value::cell_value;
use crate::error::ReportError;

/// Lines that are read from one file at most: a bound on memory, far above the largest sweep.
const LARGEST: usize = 20_000_000;
/// Bytes of a UTF-16 file, which is read as a whole: a bound on memory.
const LARGEST_UTF16: u64 = 1 << 30;

/// Which columns beyond the known ones are of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extra<'a> {
    /// All of them: what the program wrote itself.
    Any,
    /// Swept parameters: those of the sweep language, and these.
    Swept(&'a BTreeSet<String>),
}

impl Extra<'_> {
    fn has(self, column: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Swept(more) => {
                column == "dataset"
                    || registry::find_column(column).is_some()
                    || more.contains(column)
            }
        }
    }
}

/// A CSV file whose known columns are there, each line as wide as the header.
pub(crate) struct CsvFile<'a> {
    path: &'a Path,
    header: BTreeMap<String, usize>,
    /// Columns beyond the known ones, in order: the swept parameters.
    pub(crate) extra: Vec<String>,
    /// Where each of them is.
    extra_at: Vec<usize>,
    /// Of `extra`, by name: the order in which cells are told apart, whatever the order of the columns.
    extra_sorted: Vec<usize>,
    /// What separates its cells.
    delimiter: u8,
    /// What was passed over, a sentence each.
    pub(crate) notes: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl<'a> CsvFile<'a> {
    /// Reads a file as this program wrote it.
    pub(crate) fn read(path: &'a Path, known: &[&str]) -> Result<Self, ReportError> {
        Self::read_with(path, known, Extra::Any)
    }

    pub(crate) fn read_with(
        path: &'a Path,
        known: &[&str],
        extra: Extra<'_>,
    ) -> Result<Self, ReportError> {
        let mut rows = Vec::new();
        let mut file = Self::stream(path, known, extra, |fields| {
            rows.push((fields.line, fields.row.clone()));
            Ok(())
        })?;
        file.rows = rows;
        Ok(file)
    }

    /// Hands each line to `each` and keeps none: `epochs.csv` can have millions.
    pub(crate) fn stream(
        path: &'a Path,
        known: &[&str],
        extra: Extra<'_>,
        mut each: impl FnMut(&Fields<'_>) -> Result<(), ReportError>,
    ) -> Result<Self, ReportError> {
        let (text, delimiter, skipped) = open(path)?;
        let fault = |error: &csv::Error| ReportError::Csv {
            path: path.to_owned(),
            line: error.position().map(|at| at.line() + skipped),
            message: format!(
                "{error}: a table as gcl-sweep writes it is expected, in UTF-8 (Excel: save as CSV UTF-8)"
            ),
        };
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::Headers)
            .delimiter(delimiter)
            .from_reader(text);
        let names: Vec<String> = reader
            .headers()
            .map_err(|error| fault(&error))?
            .iter()
            .map(str::to_owned)
            .collect();
        let file = Self::of_header(path, &names, known, extra, delimiter)?;
        let mut row = csv::StringRecord::new();
        for _ in 0..LARGEST {
            if !reader
                .read_record(&mut row)
                .map_err(|error| fault(&error))?
            {
                break;
            }
            // What Excel leaves of rows that were emptied.
            if row.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let fields = Fields {
                file: &file,
                line: row.position().map_or(0, csv::Position::line) + skipped,
                row: &row,
            };
            let beyond = row.iter().skip(names.len());
            if row.len() < names.len() || beyond.clone().any(|cell| !cell.trim().is_empty()) {
                return Err(fields.fault(format!(
                    "it has {} fields, and the first line has {}",
                    row.len(),
                    names.len()
                )));
            }
            each(&fields)?;
        }
        Ok(file)
    }

    fn of_header(
        path: &'a Path,
        names: &[String],
        known: &[&str],
        wanted: Extra<'_>,
        delimiter: u8,
    ) -> Result<Self, ReportError> {
        let mut header = BTreeMap::new();
        let (mut extra, mut extra_at) = (Vec::new(), Vec::new());
        let (mut indices, mut unknown) = (0, Vec::new());
        for (index, name) in names.iter().enumerate() {
            // A swept parameter may bear the name of a fixed column, such as `epochs`: the fixed one comes first.
            if known.contains(&name.as_str()) && !header.contains_key(name) {
                header.insert(name.clone(), index);
                continue;
            }
            if spelling::is_index(name) {
                indices += 1;
                continue;
            }
            // pandas calls the second column of a name `epochs.1`.
            let name = name
                .strip_suffix(".1")
                .filter(|first| header.contains_key(*first) && wanted.has(first))
                .unwrap_or(name);
            if wanted.has(name) {
                header.entry(name.to_owned()).or_insert(index);
                extra.push(name.to_owned());
                extra_at.push(index);
            } else {
                unknown.push(name);
            }
        }
        if let Some(absent) = known.iter().find(|name| !header.contains_key(**name)) {
            return Err(ReportError::Csv {
                path: path.to_owned(),
                line: Some(1),
                message: format!("there is no column `{absent}`: is this a file of gcl-sweep?"),
            });
        }
        let mut extra_sorted: Vec<usize> = (0..extra.len()).collect();
        extra_sorted.sort_by_key(|at| &extra[*at]);
        let notes = notes(path, indices, &unknown);
        Ok(Self {
            path,
            header,
            extra,
            extra_at,
            extra_sorted,
            delimiter,
            notes,
            rows: Vec::new(),
        })
    }

    /// What separates its cells.
    pub(crate) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The lines in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Fields<'_>> {
        self.rows.iter().map(|(line, row)| Fields {
            file: self,
            line: *line,
            row,
        })
    }
}

/// What was passed over, as people are told it.
fn notes(path: &Path, indices: usize, unknown: &[&str]) -> Vec<String> {
    let path = path.display();
    let mut notes = Vec::new();
    if !unknown.is_empty() {
        let (s, are) = match unknown.len() {
            1 => ("", "is"),
            _ => ("s", "are"),
        };
        notes.push(format!(
            "{path}: the column{s} `{}` {are} unknown and not read",
            unknown.join("`, `")
        ));
    }
    if indices > 0 {
        notes.push(format!(
            "{path}: a column without a name was passed over, as the index that pandas writes"
        ));
    }
    notes
}

/// The text of a file, what separates its cells, and how many lines were taken off its beginning.
fn open(path: &Path) -> Result<(Box<dyn BufRead>, u8, u64), ReportError> {
    let failed = |error| ReportError::read(path)(error);
    let fault = |line, message: &str| ReportError::Csv {
        path: path.to_owned(),
        line,
        message: message.to_owned(),
    };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let head = file.fill_buf().map_err(failed)?;
    if head.starts_with(b"PK\x03\x04") {
        return Err(fault(None, "is a workbook, not a table: save it as CSV"));
    }
    let mut text: Box<dyn BufRead> = if spelling::is_utf16(head) {
        let mut bytes = Vec::new();
        let mut whole = file.take(LARGEST_UTF16);
        whole.read_to_end(&mut bytes).map_err(failed)?;
        let text = spelling::decoded(&bytes)
            .map_err(|line| fault(Some(line as u64), "is no text in UTF-16"))?;
        Box::new(Cursor::new(text.into_bytes()))
    } else {
        if head.starts_with(b"\xEF\xBB\xBF") {
            file.consume(3);
        }
        Box::new(file)
    };
    let first = String::from_utf8_lossy(text.fill_buf().map_err(failed)?).into_owned();
    if let Some(separator) = spelling::separator_line(&first) {
        let mut line = Vec::new();
        text.read_until(b'\n', &mut line).map_err(failed)?;
        return Ok((text, separator, 1));
    }
    Ok((text, spelling::delimiter(&first), 0))
}

/// The names in a table's first line; none where it cannot be read.
pub(crate) fn columns_of(path: &Path) -> Vec<String> {
    let Ok((text, delimiter, _)) = open(path) else {
        return Vec::new();
    };
    // A first line that does not end is no table.
    let reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(text.take(64 << 10))
        .headers()
        .map(|names| names.iter().map(|name| name.trim().to_owned()).collect());
    reader.unwrap_or_default()
}

/// One line, by the names of its columns.
pub(crate) struct Fields<'a> {
    file: &'a CsvFile<'a>,
    pub(crate) line: u64,
    row: &'a csv::StringRecord,
}

impl<'a> Fields<'a> {
    pub(crate) fn text(&self, column: &str) -> &'a str {
        self.file
            .header
            .get(column)
            .and_then(|index| self.row.get(*index))
            .unwrap_or("")
    }

    /// A whole number; none where the cell is empty.
    pub(crate) fn whole<T: std::str::FromStr + TryFrom<i64>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, ReportError> {
        let text = self.text(column);
        if spelling::missing(text) {
            return Ok(None);
        }
        text.parse()
            .ok()
            .or_else(|| T::try_from(spelling::whole_in(text, self.file.delimiter)?).ok())
            .map(Some)
            .ok_or_else(|| self.no(column, "a whole number"))
    }

    /// A number; none where the cell is empty.
    pub(crate) fn number(&self, column: &str) -> Result<Option<f64>, ReportError> {
        let text = self.text(column);
        if spelling::missing(text) {
            return Ok(None);
        }
        spelling::number(text, self.file.delimiter)
            .map(Some)
            .ok_or_else(|| self.no(column, "a number"))
    }

    fn no(&self, column: &str, expected: &str) -> ReportError {
        let shown: String = self.text(column).chars().take(80).collect();
        self.fault(format!("`{shown}` in column `{column}` is not {expected}"))
    }

    pub(crate) fn fault(&self, message: String) -> ReportError {
        ReportError::Csv {
            path: self.file.path.to_owned(),
            line: Some(self.line),
            message,
        }
    }

    /// The columns beyond the known ones.
    pub(crate) fn extra(&self) -> &'a [String] {
        &self.file.extra
    }

    /// The value in a column of swept values.
    pub(crate) fn value(&self, column: &str) -> Option<Value> {
        let at = self.file.extra.iter().position(|name| name == column);
        match at {
            Some(at) => self.extra_value(at),
            None => cell_value(column, self.text(column), self.file.delimiter),
        }
    }

    /// The values of the columns beyond the known ones.
    pub(crate) fn point(&self) -> Vec<Option<Value>> {
        (0..self.file.extra.len())
            .map(|at| self.extra_value(at))
            .collect()
    }

    fn extra_value(&self, at: usize) -> Option<Value> {
        cell_value(
            &self.file.extra[at],
            self.extra_text(at),
            self.file.delimiter,
        )
    }

    fn extra_text(&self, at: usize) -> &'a str {
        self.row.get(self.file.extra_at[at]).unwrap_or("")
    }

    /// A metric, which is a fraction; what is not a number is none.
    pub(crate) fn fraction(&self, column: &str) -> Result<Option<f64>, ReportError> {
        match self.number(column)? {
            Some(value) if !(0.0..=1.0).contains(&value) => Err(self.fault(format!(
                "`{}` in column `{column}` is no fraction: it lies between 0 and 1",
                self.text(column)
            ))),
            value => Ok(value),
        }
    }

    /// What tells a line from others: the values of `columns` and of the swept parameters, whatever their spelling and order.
    pub(super) fn key_of(&self, columns: &[&str]) -> Vec<String> {
        let number = |text: &str| match spelling::whole_in(text, self.file.delimiter) {
            Some(number) if text.parse::<u64>().is_err() => number.to_string(),
            _ => text.to_owned(),
        };
        let fixed = columns.iter().map(|column| match *column {
            "seed" => number(self.text(column)),
            _ => self.text(column).to_owned(),
        });
        let swept = self.file.extra_sorted.iter().map(|at| {
            let value = match self.extra_value(*at) {
                None => String::new(),
                Some(value) => match value.as_float() {
                    Some(number) => format!("{number:?}"),
                    None => value.to_string(),
                },
            };
            format!("{}={value}", self.file.extra[*at])
        });
        fixed.chain(swept).collect()
    }

    /// The texts of `columns` and of the swept parameters as they stand there: lines of one file that follow each other are compared by
    /// them.
    pub(super) fn texts_of(&self, columns: &[&str]) -> Vec<String> {
        self.texts(columns).map(str::to_owned).collect()
    }

    /// Whether these are its texts.
    pub(super) fn has_texts(&self, columns: &[&str], texts: &[String]) -> bool {
        self.texts(columns).eq(texts.iter().map(String::as_str))
    }

    fn texts<'c>(&self, columns: &'c [&'c str]) -> impl Iterator<Item = &'a str> + use<'_, 'a, 'c> {
        columns
            .iter()
            .map(|column| self.text(column))
            .chain((0..self.file.extra.len()).map(|at| self.extra_text(at)))
    }
}
