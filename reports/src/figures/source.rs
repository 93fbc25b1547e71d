//! Where a figure's rows come from: the sweep, its columns, and what is known besides.

use super::about::{ABOUT, About};
use crate::error::ReportError;
use crate::files::CsvFile;
use crate::results::SweepResults;

/// The part of a figure's data that is the same for all of its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Source {
    /// The figure's name, unique in a report.
    pub(super) figure: String,
    /// The sweep's name.
    pub(super) sweep: String,
    /// The swept columns.
    pub(super) columns: Vec<String>,
    pub(super) about: About,
}

impl Source {
    /// Of a sweep, not yet of a figure.
    pub(super) fn of(results: &SweepResults) -> Self {
        Self {
            figure: String::new(),
            sweep: results.name.clone(),
            columns: results.columns.clone(),
            about: About::of(results),
        }
    }

    /// The same for one figure, whose axes are these columns.
    pub(super) fn named(&self, figure: &str, axes: &[usize]) -> Self {
        let mut source = self.clone();
        figure.clone_into(&mut source.figure);
        source.about.axes = axes
            .iter()
            .filter_map(|index| self.columns.get(*index).cloned())
            .collect();
        source
    }

    /// What the lines of a figure's CSV file have in common.
    pub(super) fn read(file: &CsvFile<'_>) -> Result<Self, ReportError> {
        let columns = file
            .extra
            .iter()
            .filter(|name| *name != ABOUT)
            .cloned()
            .collect();
        let Some(first) = file.lines().next() else {
            return Ok(Self {
                columns,
                ..Self::default()
            });
        };
        let about = match first.text(ABOUT) {
            "" => About::default(),
            text => serde_json::from_str(text)
                .map_err(|error| first.fault(format!("column `{ABOUT}` is not ours: {error}")))?,
        };
        Ok(Self {
            figure: first.text("figure").to_owned(),
            sweep: first.text("sweep").to_owned(),
            columns,
            about,
        })
    }

    /// The index of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The indices of the figure's axes.
    pub(super) fn axes(&self) -> Vec<usize> {
        let names = self.about.axes.iter();
        names.filter_map(|name| self.column(name)).collect()
    }

    /// The column that tells data sets apart, where there are several.
    pub(super) fn dataset(&self) -> Option<usize> {
        self.about
            .factors
            .iter()
            .find(|name| *name == "dataset")
            .and_then(|name| self.column(name))
    }

    /// The columns that tell groups of one data set apart, without those along the axes.
    pub(super) fn others(&self) -> Vec<usize> {
        let axes = self.axes();
        self.about
            .factors
            .iter()
            .filter(|name| *name != "dataset")
            .filter_map(|name| self.column(name))
            .filter(|column| !axes.contains(column))
            .collect()
    }

    /// What a reader must know of any figure: the data set, unless panels name it, and the sweep.
    pub(super) fn note(&self) -> String {
        let mut parts = Vec::new();
        if self.dataset().is_none() && !self.about.datasets.is_empty() {
            parts.push(self.about.datasets.join(", "));
        }
        if !self.sweep.is_empty() {
            parts.push(format!("sweep {}", self.sweep));
        }
        parts.join(" · ")
    }
}
