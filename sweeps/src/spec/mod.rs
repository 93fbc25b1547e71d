//! A sweep file, parsed: what it says, checked key by key, with the spans of its values kept for messages.
//!
//! Parsing finds every fault that one value or one table can have. What only shows when the grid is expanded (a
//! combination without meaning, too many jobs) is found by [`crate::expand`].

mod adaptive;
mod axis;
mod counted;
mod dataset;
mod design;
mod name;
mod next;
mod only;
mod random;
mod reader;
mod report;
mod requirements;
mod settings;
mod spaced;
mod table;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::dataset_source::DatasetSource;
use crate::fault::{Fault, Faults};
use crate::id::Digest;
use crate::parameter::Parameter;
use crate::value::Value;

pub(crate) use adaptive::{ClaimRow, Section};
pub(crate) use dataset::DataSettings;
pub use next::NextStep;
pub use report::{FIGURES, ReportRequest, TABLES};
pub use requirements::ResourceRequest;

/// One sweep file, parsed.
#[derive(Debug, Clone)]
pub struct SweepSpec {
    /// The sweep's name: unique on a coordinator.
    pub name: String,
    /// One or a few sentences for the report.
    pub description: String,
    /// Where the data come from: one, or the values of the axis `dataset`; once the sweep is expanded, all generated sets of its cells.
    pub datasets: Vec<DatasetSource>,
    /// The digest that the file demands of its data set.
    pub dataset_digest: Option<Digest>,
    /// What a worker must have to get its jobs.
    pub requirements: ResourceRequest,
    /// What the report shall show.
    pub report: ReportRequest,
    /// What its reader may do when it has run.
    pub next: Vec<NextStep>,
    /// The file's text.
    pub text: String,
    /// What is odd but does not keep the sweep from running.
    pub warnings: Vec<Fault>,
    /// Settings of generated data, where the file has such.
    pub(crate) data: Option<DataSettings>,
    pub(crate) base: Settings,
    pub(crate) variants: Vec<Variant>,
    /// In the order of expansion: single axes by name, zips and the random draws in the file's order, `seed` last.
    pub(crate) axes: Vec<Axis>,
    pub(crate) excludes: Vec<Row>,
    pub(crate) includes: Vec<Row>,
    /// Claims for which seeds are added.
    pub(crate) adaptive: Option<Section>,
    /// Selections of cells, with their spans; none: all.
    pub(crate) only: Vec<(String, Range<usize>)>,
}

/// One value per key of an axis, with its place in the file.
pub(crate) type Point = (Coordinate, Range<usize>);

/// Parameters with their values and where the file sets them.
pub(crate) type Settings = BTreeMap<&'static str, Setting>;

/// One parameter's value, in normal form, and where the file sets it.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub parameter: &'static Parameter,
    pub value: Value,
    pub span: Range<usize>,
}

/// A named point of the method space.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub name: String,
    pub settings: Settings,
}

/// What an axis moves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Seed,
    Dataset,
    Parameter(&'static Parameter),
}

/// A value on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Coordinate {
    Seed(u64),
    Dataset(String),
    Value(Value),
}

/// One axis of the grid: a parameter with its values, or several that move together.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub keys: Vec<Key>,
    /// One entry per point; each holds a coordinate and its span per key.
    pub points: Vec<Vec<(Coordinate, Range<usize>)>>,
}

/// A row of `[[exclude]]` or `[[include]]`.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub span: Range<usize>,
    pub variant: Option<String>,
    pub coordinates: Vec<(Key, Coordinate, Range<usize>)>,
}

impl Key {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Dataset => "dataset",
            Self::Parameter(parameter) => parameter.name,
        }
    }
}

impl SweepSpec {
    /// Reads a sweep file. `path` is only shown in messages.
    ///
    /// # Errors
    /// The faults of the file, in the file's order; of a file with very many the first that are found.
    pub fn parse(path: &str, text: &str) -> Result<Self, Faults> {
        reader::read(text).map_err(|faults| Faults::new(path, text, faults))
    }

    /// The selections of `[only]`, as they are written; none where the sweep is whole.
    pub fn selections(&self) -> impl Iterator<Item = &str> {
        self.only.iter().map(|(text, _)| text.as_str())
    }

    /// Whether each seed of the jobs has generated data of its own.
    pub fn has_data_per_seed(&self) -> bool {
        self.data
            .as_ref()
            .is_some_and(|data| data.seed_of_job.is_some())
    }

    /// Names of the variants, in the file's order.
    pub fn variant_names(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|variant| variant.name.as_str())
    }
}
