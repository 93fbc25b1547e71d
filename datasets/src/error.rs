//! Everything that is wrong with a data set, said at once, each fault with its file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Faults that are shown; the rest are counted. A folder of the wrong layout has thousands.
const MOST_SHOWN: usize = 20;

/// A data set that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct DatasetError {
    /// The folder, or what stood for it.
    pub place: PathBuf,
    /// The first faults, each beginning with its file.
    pub faults: Vec<String>,
    /// All of them.
    pub count: usize,
}

impl DatasetError {
    fn render(&self) -> String {
        let plural = if self.count == 1 { "" } else { "s" };
        let mut text = format!(
            "the data set {} has {} fault{plural}:",
            self.place.display(),
            self.count
        );
        for fault in &self.faults {
            let _ = write!(text, "\n  {fault}");
        }
        if self.count > self.faults.len() {
            let _ = write!(text, "\n  and {} more", self.count - self.faults.len());
        }
        text
    }
}

/// Collects faults.
#[derive(Debug)]
pub(crate) struct Faults {
    place: PathBuf,
    shown: Vec<String>,
    count: usize,
}

impl Faults {
    pub(crate) fn new(place: &Path) -> Self {
        Self {
            place: place.to_owned(),
            shown: Vec::new(),
            count: 0,
        }
    }

    /// Adds a fault of `file`, whose path is shown.
    pub(crate) fn add(&mut self, file: &Path, what: impl std::fmt::Display) {
        self.count += 1;
        if self.shown.len() < MOST_SHOWN {
            self.shown.push(format!("{}: {what}", file.display()));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn any(&self) -> bool {
        self.count > 0
    }

    pub(crate) fn into_error(self) -> DatasetError {
        DatasetError {
            place: self.place,
            faults: self.shown,
            count: self.count,
        }
    }

    /// `value`, unless there are faults.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, DatasetError> {
        if self.any() {
            Err(self.into_error())
        } else {
            Ok(value)
        }
    }
}
