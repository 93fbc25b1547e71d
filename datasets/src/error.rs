//! Everything that is wrong with a data set, said at once, each fault with its file.

use std::collections::BTreeMap;
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
    /// Where many faults of one kind are one: which of `shown` are of each kind, and how many there are.
    kinds: Option<BTreeMap<String, (Vec<usize>, usize)>>,
}

/// Faults of one kind that are shown one by one; more are one.
const EACH: usize = 5;
/// Faults that are kept at all: lines of another kind of file are each of a kind of their own.
const MOST_KEPT: usize = 10_000;

/// A fault without what differs between faults of one kind: names, numbers, and the file in its folder.
fn kind(file: &Path, what: &str) -> String {
    // Lines are of one list; files of one folder are alike.
    let place = if what.starts_with("line ") {
        Some(file)
    } else {
        file.parent()
    };
    let mut kind = place.map_or(String::new(), |place| place.display().to_string());
    for (index, part) in what.split('`').enumerate() {
        let named = index % 2 == 1;
        for word in part.split_whitespace().filter(|_| !named) {
            // Paths and numbers differ.
            let differs = word.contains(['/', '\\']) || word.contains(|c: char| c.is_ascii_digit());
            kind.push(' ');
            kind += if differs { "#" } else { word };
        }
    }
    kind
}

impl Faults {
    pub(crate) fn new(place: &Path) -> Self {
        Self {
            place: place.to_owned(),
            shown: Vec::new(),
            count: 0,
            kinds: None,
        }
    }

    /// Where many faults of one kind are one line, with their number.
    pub(crate) fn by_kind(place: &Path) -> Self {
        Self {
            kinds: Some(BTreeMap::new()),
            ..Self::new(place)
        }
    }

    /// Adds a fault of `file`, whose path is shown.
    pub(crate) fn add(&mut self, file: &Path, what: impl std::fmt::Display) {
        self.count += 1;
        let what = what.to_string();
        let next = self.shown.len();
        let most = match &mut self.kinds {
            None => MOST_SHOWN,
            Some(kinds) => {
                let (places, number) = kinds.entry(kind(file, &what)).or_default();
                *number += 1;
                if *number > EACH {
                    return;
                }
                places.push(next);
                MOST_KEPT
            }
        };
        if next < most {
            self.shown.push(format!("{}: {what}", file.display()));
        }
    }

    /// Makes many faults of one kind one.
    fn gather(&mut self) {
        let mut shown: Vec<Option<String>> = self.shown.drain(..).map(Some).collect();
        for (places, number) in self.kinds.take().iter().flat_map(BTreeMap::values) {
            if *number <= EACH {
                continue;
            }
            self.count -= number - 1;
            for (index, place) in places.iter().enumerate() {
                match shown.get_mut(*place) {
                    Some(Some(first)) if index == 0 => {
                        let _ = write!(first, " ({number} faults of this kind; this is the first)");
                    }
                    Some(other) => *other = None,
                    None => {}
                }
            }
        }
        self.shown = shown.into_iter().flatten().take(MOST_SHOWN).collect();
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn any(&self) -> bool {
        self.count > 0
    }

    pub(crate) fn into_error(mut self) -> DatasetError {
        if self.kinds.is_some() {
            self.gather();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faults_of_one_kind_are_one_with_their_number() {
        let mut faults = Faults::by_kind(Path::new("f"));
        for video in 0..290 {
            let file = format!("f/a{video}.npy");
            faults.add(Path::new(&file), format_args!("has {video} crops, not 10"));
            faults.add(
                Path::new("test.txt"),
                format_args!("line {video}: there are no features of `v{video}` in f"),
            );
        }
        faults.add(Path::new("f/b.npy"), "is empty");
        faults.add(Path::new("f/c.npy"), "is empty");
        let error = faults.into_error();
        assert_eq!((error.count, error.faults.len()), (4, 4), "{error}");
        assert!(error.faults[0].starts_with("f/a0.npy") && error.faults[0].contains("290"));
        assert!(error.faults[1].contains("line 0") && error.faults[1].contains("290"));
    }
}
