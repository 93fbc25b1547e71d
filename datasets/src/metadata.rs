//! `dataset.toml`.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use sweeps::parameter::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::dataset::Metadata;
use crate::error::Faults;

/// Features wider than this are a mistake in the file.
const MAX_DIM: i64 = 65_536;
/// More frames a segment are a mistake in the file.
const MAX_FRAMES_PER_SEGMENT: i64 = 100_000;
/// Half a page is usual.
const MAX_BYTES: u64 = 1 << 20;
/// `synthetic` is written by `data synth`, `notes` by `data import`.
const KEYS: [&str; 8] = [
    "name",
    "feature_dim",
    "frames_per_segment",
    "extractor",
    "source",
    "licence",
    "synthetic",
    "notes",
];

/// All that `dataset.toml` says.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) metadata: Metadata,
    /// Whether a generator made the data set.
    pub(crate) synthetic: bool,
    /// What was taken, left out and changed when it was made.
    pub(crate) notes: Vec<String>,
}

/// Reads the metadata; `None` where they cannot be used.
pub(crate) fn read(folder: &Path, faults: &mut Faults) -> Option<Described> {
    let path = folder.join("dataset.toml");
    let mut text = String::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    if let Err(error) = read {
        faults.add(
            &path,
            format_args!(
                "cannot be read: {error}; a data set is a folder with dataset.toml, train.csv and test.csv"
            ),
        );
        return None;
    }
    if text.len() as u64 > MAX_BYTES {
        faults.add(&path, format_args!("is longer than {MAX_BYTES} bytes"));
        return None;
    }
    let table = match DeTable::parse(&text) {
        Ok(table) => table,
        Err(error) => {
            faults.add(&path, error.to_string().trim_end());
            return None;
        }
    };
    let mut reader = Reader {
        path: &path,
        text: &text,
        table: table.get_ref(),
        faults,
    };
    reader.unknown_keys();
    let name = reader.text("name", true);
    if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        reader.faults.add(&path, "name is empty");
    }
    let feature_dim = reader.count("feature_dim", MAX_DIM);
    let frames_per_segment = reader.count("frames_per_segment", MAX_FRAMES_PER_SEGMENT);
    let mut words = |key| reader.text(key, false);
    let (extractor, source, licence) = (words("extractor"), words("source"), words("licence"));
    let synthetic = reader.flag("synthetic");
    let notes = reader.texts("notes");
    let metadata = Metadata {
        name: name?,
        feature_dim: feature_dim? as usize,
        frames_per_segment: frames_per_segment? as u32,
        extractor: extractor.unwrap_or_default(),
        source: source.unwrap_or_default(),
        licence: licence.unwrap_or_default(),
    };
    Some(Described {
        metadata,
        synthetic,
        notes,
    })
}

/// Takes values out of the table, and notes what is wrong with each.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    table: &'a DeTable<'a>,
    faults: &'a mut Faults,
}

impl<'a> Reader<'a> {
    fn fault(&mut self, span: Range<usize>, what: impl std::fmt::Display) {
        let line = self.text[..span.start].matches('\n').count() + 1;
        self.faults
            .add(self.path, format_args!("line {line}: {what}"));
    }

    fn unknown_keys(&mut self) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !KEYS.contains(&name) {
                let hint = nearest(name, KEYS.iter().copied())
                    .map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
                let known = KEYS.join(", ");
                self.fault(
                    key.span(),
                    format_args!("unknown key `{name}`.{hint} The keys are {known}"),
                );
            }
        }
    }

    fn get(&mut self, key: &str, needed: bool) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.table.get(key);
        if value.is_none() && needed {
            self.faults
                .add(self.path, format_args!("lacks the key `{key}`"));
        }
        value
    }

    fn text(&mut self, key: &str, needed: bool) -> Option<String> {
        let value = self.get(key, needed)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.clone().into_owned());
        }
        self.fault(value.span(), format_args!("`{key}` must be a text"));
        None
    }

    /// A whole number from 1 to `most`.
    fn count(&mut self, key: &str, most: i64) -> Option<i64> {
        let value = self.get(key, true)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| (1..=most).contains(number)) {
            return Some(number);
        }
        self.fault(
            value.span(),
            format_args!("`{key}` must be a whole number from 1 to {most}"),
        );
        None
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.get(key, false) else {
            return Vec::new();
        };
        let texts = value.get_ref().as_array().and_then(|array| {
            array
                .iter()
                .map(|text| text.get_ref().as_str().map(str::to_owned))
                .collect()
        });
        texts.unwrap_or_else(|| {
            self.fault(
                value.span(),
                format_args!("`{key}` must be a list of texts"),
            );
            Vec::new()
        })
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.get(key, false) {
            None => false,
            Some(value) => {
                if let DeValue::Boolean(flag) = value.get_ref() {
                    return *flag;
                }
                self.fault(value.span(), format_args!("`{key}` must be true or false"));
                false
            }
        }
    }
}
