//! `[dataset]`: a folder's name with the digest it must have, or the settings of synthetic data.

use std::collections::BTreeSet;
use std::ops::Range;

use super::name::name;
use super::settings::checked;
use super::table::{Entry, as_table, as_text, entries, unknown_key};
use super::{Coordinate, Key, Setting, Settings, SweepSpec};
use crate::dataset_source::DatasetSource;
use crate::fault::{Fault, Found};
use crate::id::Digest;
use crate::parameter::Role;
use crate::parameters::Parameters;
use crate::registry::synthetic::{PREFIX, REGIME, SEED, with_defaults};
use crate::registry::{self, SETTINGS};
use crate::synthetic::Synthetic;
use crate::value::Value;

/// What `[dataset]` says.
#[derive(Default)]
pub(super) struct Dataset {
    pub source: Option<DatasetSource>,
    pub data: Option<DataSettings>,
    pub digest: Option<Digest>,
    pub span: Option<Range<usize>>,
    /// Whether one is named in a way that was refused: that fault is enough.
    pub refused: bool,
}

impl Dataset {
    pub(super) fn read(entry: &Entry<'_>, faults: &mut Found) -> Self {
        let mut dataset = Dataset {
            span: Some(entry.key_span.clone()),
            ..Dataset::default()
        };
        let Some(table) = as_table(entry.value, "dataset", faults) else {
            dataset.refused = true;
            return dataset;
        };
        for entry in entries(table) {
            if faults.is_full() {
                break;
            }
            let source = match entry.key {
                "name" => Some(DatasetSource::Named(name(
                    &entry,
                    "a data set's name",
                    faults,
                ))),
                "synthetic" => {
                    dataset.data = DataSettings::read(&entry, faults);
                    dataset.refused |= dataset.data.is_none();
                    let made = dataset
                        .data
                        .as_ref()
                        .map(|data| Synthetic::of(&data.given()));
                    made.map(DatasetSource::Synthetic)
                }
                "digest" => {
                    let text = as_text(entry.value, "dataset.digest", faults).unwrap_or_default();
                    match text.parse() {
                        Ok(digest) => dataset.digest = Some(digest),
                        Err(error) => faults.push(Fault::new(
                            entry.span(),
                            format!("{error}"),
                            "`gcl-sweep data inspect` prints a data set's digest",
                        )),
                    }
                    None
                }
                _ => {
                    dataset.refused = true;
                    faults.push(unknown_key(
                        &entry,
                        "[dataset]",
                        &["name", "digest", "synthetic"],
                    ));
                    None
                }
            };
            if source.is_some() && dataset.source.is_some() {
                faults.push(Fault::new(
                    entry.key_span.clone(),
                    "a data set has a `name` or is `synthetic`, not both",
                    "remove one of the two",
                ));
            }
            dataset.source = source.or(dataset.source);
        }
        if dataset.digest.is_some() && matches!(dataset.source, Some(DatasetSource::Synthetic(_))) {
            faults.push(Fault::new(
                entry.key_span.clone(),
                "a synthetic data set's digest follows from its settings",
                "remove `digest`",
            ));
        }
        dataset
    }
}

/// The settings of generated data as the file sets them.
#[derive(Debug, Clone, Default)]
pub(crate) struct DataSettings {
    /// What it sets, by dotted name.
    pub settings: Settings,
    /// Where it says that each seed of the jobs has data of its own.
    pub seed_of_job: Option<Range<usize>>,
}

impl DataSettings {
    fn read(entry: &Entry<'_>, faults: &mut Found) -> Option<Self> {
        let before = faults.len();
        let mut data = Self::default();
        for entry in entries(as_table(entry.value, "dataset.synthetic", faults)?) {
            if faults.is_full() {
                break;
            }
            let Some(setting) = registry::find_setting(&format!("{PREFIX}{}", entry.key)) else {
                let known = SETTINGS.iter().map(|setting| key(setting.name));
                let known: Vec<&str> = known.collect();
                faults.push(unknown_key(&entry, "[dataset.synthetic]", &known));
                continue;
            };
            if entry.key == "seed" && entry.value.get_ref().as_str() == Some("job") {
                data.seed_of_job = Some(entry.span());
            } else if let Some(value) = checked(setting, entry.value, faults) {
                let setting = Setting {
                    parameter: setting,
                    value,
                    span: entry.span(),
                };
                data.settings.insert(setting.parameter.name, setting);
            }
        }
        (faults.len() == before).then_some(data)
    }

    /// The settings without their places.
    pub(crate) fn given(&self) -> Parameters {
        let mut given = Parameters::default();
        for setting in self.settings.values() {
            given.set_checked(setting.parameter.name, setting.value.clone());
        }
        given
    }
}

/// The key of a setting under `[dataset.synthetic]`.
fn key(name: &'static str) -> &'static str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// What must hold between `[dataset]` and the axes and rows that move settings of generated data.
pub(super) fn check_settings(spec: &SweepSpec, faults: &mut Found) {
    let axes = spec.axes.iter().flat_map(|axis| {
        let points = axis.points.iter();
        points.flat_map(|point| axis.keys.iter().copied().zip(point))
    });
    let rows = spec.includes.iter().flat_map(|row| &row.coordinates);
    let moved = axes
        .map(|(key, (coordinate, span))| (key, coordinate, span))
        .chain(rows.map(|(key, coordinate, span)| (*key, coordinate, span)))
        .filter(|(key, ..)| matches!(key, Key::Parameter(setting) if setting.role == Role::Data));
    let mut regimes = Vec::new();
    let mut blamed = BTreeSet::new();
    for (key, coordinate, span) in moved {
        let name = key.name();
        if let (REGIME, Coordinate::Value(value)) = (name, coordinate) {
            regimes.push(value.clone());
        }
        let fault = match &spec.data {
            None => Some((
                format!("`{name}` is a setting of generated data, and this sweep has none"),
                "write [dataset.synthetic] instead of another data set, or remove it",
            )),
            Some(data) if name == SEED && data.seed_of_job.is_some() => Some((
                format!("`{name}` is that of the job, and moves on an axis"),
                "remove seed = \"job\" from [dataset.synthetic], or the axis",
            )),
            Some(_) => None,
        };
        if let Some((message, help)) = fault
            && blamed.insert(name)
        {
            faults.push(Fault::new(span.clone(), message, help));
        }
    }
    let Some(data) = &spec.data else { return };
    let given = data.given();
    for setting in data.settings.values() {
        let means_something = |regime: Option<&Value>| {
            let mut given = given.clone();
            if let Some(regime) = regime {
                given.set_checked(REGIME, regime.clone());
            }
            (setting.parameter.applies)(&with_defaults(&given))
        };
        if means_something(None) || regimes.iter().any(|regime| means_something(Some(regime))) {
            continue;
        }
        let regime = Synthetic::of(&given).regime.name();
        faults.push(Fault::new(
            setting.span.clone(),
            format!(
                "`{}` means nothing in the regime `{regime}`",
                key(setting.parameter.name)
            ),
            format!(
                "it needs: {}. Remove it, or set the regime",
                setting.parameter.condition
            ),
        ));
    }
}
