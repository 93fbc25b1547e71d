//! The file as a whole: its top-level tables, and what must hold between them.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::adaptive;
use super::axis::{self, coordinate};
use super::counted::Counted;
use super::dataset::{Dataset, check_settings};
use super::name::name;
use super::next::{self, NextStep};
use super::only;
use super::random;
use super::report;
use super::requirements::{self, ResourceRequest};
use super::settings::{Named, Vocabulary, named, settings};
use super::table::{Entry, as_list, as_table, as_text, entries, unknown_key};
use super::{Axis, Coordinate, Key, ReportRequest, Row, Settings, SweepSpec, Variant};
use crate::dataset_source::DatasetSource;
use crate::fault::{Fault, Found, Lines};

const KNOWN: [&str; 15] = [
    "name",
    "description",
    "dataset",
    "job",
    "axes",
    "variant",
    "zip",
    "random",
    "exclude",
    "include",
    "report",
    "requirements",
    "only",
    "next",
    "adaptive",
];

/// A text that a person writes is bounded, since a coordinator keeps it.
const MAX_DESCRIPTION: usize = 10_000;
/// Tables of one `[[key]]`.
const MOST_ROWS: usize = 20_000;
/// Bytes from which on a text is long: no person writes as many.
const LONG: usize = 128 << 10;

/// Reads the whole file, or says what is wrong with it: everything, unless it is more than anybody reads.
pub(super) fn read(text: &str) -> Result<SweepSpec, Found> {
    let (root, syntax) = parsed(text);
    let lines = Lines::of(text);
    // One broken character makes the parser stumble more than once: the first of a line says it.
    let mut broken = BTreeSet::new();
    let mut faults = Found::default();
    for error in &syntax {
        let span = error.span().unwrap_or(0..0);
        if broken.insert(lines.before(span.start)) {
            if faults.is_full() {
                break;
            }
            let message = error.message().trim().replace('\n', ", ");
            faults.push(Fault::new(span, message, ""));
        }
    }
    if faults.is_full() {
        return Err(faults);
    }
    let mut found = Found::default();
    let reader = Reader {
        faults: &mut found,
        complete: syntax.is_empty(),
    };
    let spec = reader.read(root.get_ref(), text);
    // A value that could not be read stands in the tree as something else: what is said of its line would mislead.
    let misled =
        |fault: &Fault| fault.span.is_empty() || broken.contains(&lines.before(fault.span.start));
    found.retain(|fault| broken.is_empty() || !misled(fault));
    faults.extend(found);
    if faults.len() == 0 {
        Ok(spec)
    } else {
        Err(faults)
    }
}

/// The text as a tree, with what is wrong in its syntax: in a long text the first such fault alone, since each takes some
/// hundred bytes and two bytes can make one.
fn parsed(text: &str) -> (Spanned<DeTable<'_>>, Vec<toml::de::Error>) {
    if text.len() < LONG {
        return DeTable::parse_recoverable(text);
    }
    match DeTable::parse(text) {
        Ok(root) => (root, Vec::new()),
        Err(error) => (Spanned::new(0..0, DeTable::new()), vec![error]),
    }
}

struct Reader<'f> {
    faults: &'f mut Found,
    /// Whether the syntax is whole: only then can something be said to be missing.
    complete: bool,
}

impl Reader<'_> {
    fn read(mut self, root: &DeTable<'_>, text: &str) -> SweepSpec {
        let mut spec = SweepSpec {
            name: String::new(),
            description: String::new(),
            datasets: Vec::new(),
            dataset_digest: None,
            requirements: ResourceRequest::default(),
            report: ReportRequest::default(),
            text: text.to_owned(),
            warnings: Vec::new(),
            data: None,
            base: Settings::new(),
            variants: Vec::new(),
            axes: Vec::new(),
            excludes: Vec::new(),
            includes: Vec::new(),
            adaptive: None,
            only: Vec::new(),
            next: Vec::new(),
        };
        let mut dataset = Dataset::default();
        let (mut zips, mut drawn) = (Vec::new(), None);
        let mut counted = Counted::new();
        let (mut excludes, mut includes, mut shown, mut claims) = (None, None, None, None);
        for entry in entries(root) {
            if self.faults.is_full() {
                break;
            }
            match entry.key {
                "name" => spec.name = name(&entry, "the sweep's name", self.faults),
                "description" => spec.description = self.text(&entry, MAX_DESCRIPTION),
                "dataset" => dataset = Dataset::read(&entry, self.faults),
                "job" => {
                    if let Some(table) = as_table(entry.value, "job", self.faults) {
                        spec.base = settings(table, "[job]", self.faults);
                    }
                }
                "axes" => {
                    if let Some(table) = as_table(entry.value, "axes", self.faults) {
                        spec.axes = axis::axes(table, &mut counted, self.faults);
                    }
                }
                "variant" => spec.variants = self.variants(&entry),
                "zip" => {
                    for (table, span) in self.rows(&entry) {
                        if self.faults.is_full() {
                            break;
                        }
                        zips.extend(axis::zip(table, span, &mut counted, self.faults));
                    }
                }
                "random" => {
                    if let Some(table) = as_table(entry.value, "random", self.faults) {
                        let span = entry.key_span.clone();
                        drawn = random::random(table, span, &mut counted, self.faults);
                    }
                }
                "exclude" => excludes = Some(entry),
                "include" => includes = Some(entry),
                "report" => shown = Some(entry),
                "adaptive" => claims = Some(entry),
                "requirements" => spec.requirements = requirements::read(&entry, self.faults),
                "only" => spec.only = only::read(&entry, self.faults),
                "next" => spec.next = self.next_steps(&entry),
                _ => self
                    .faults
                    .push(unknown_key(&entry, "a sweep file", &KNOWN)),
            }
        }
        if self.faults.is_full() {
            return spec;
        }
        // The seed's axis moves fastest, so that the seeds of a point stand together.
        let seeds = spec
            .axes
            .iter()
            .position(|axis| matches!(axis.keys[0], Key::Seed))
            .map(|at| spec.axes.remove(at));
        spec.axes.extend(zips.into_iter().chain(drawn).chain(seeds));
        // What names a variant is read when all of them are known.
        if let Some(entry) = shown {
            spec.report = report::read(&entry, &spec, self.faults);
        }
        if let Some(entry) = claims {
            spec.adaptive = adaptive::read(&entry, &spec, self.faults);
            if let Some(section) = &spec.adaptive {
                adaptive::set_seeds(&mut spec.axes, section, self.faults);
            }
        }
        self.check_axes(&spec);
        if let Some(entry) = excludes {
            spec.excludes = self.grid_rows(&entry, &spec, false);
        }
        if let Some(entry) = includes {
            spec.includes = self.grid_rows(&entry, &spec, true);
        }
        self.check_whole(&mut spec, dataset);
        if spec.variants.is_empty() {
            spec.variants.push(Variant {
                name: spec.name.clone(),
                settings: Settings::new(),
            });
        }
        spec
    }

    fn text(&mut self, entry: &Entry<'_>, most: usize) -> String {
        let text = as_text(entry.value, entry.key, self.faults).unwrap_or_default();
        if text.chars().count() > most {
            self.faults.push(Fault::new(
                entry.span(),
                format!("`{}` is longer than {most} characters", entry.key),
                "",
            ));
        }
        text.to_owned()
    }

    /// The tables of `[[key]]`, each with the span of its header.
    fn rows<'a>(&mut self, entry: &Entry<'a>) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let list =
            as_list(entry.value, &format!("[[{}]]", entry.key), self.faults).unwrap_or_default();
        if list.len() > MOST_ROWS {
            self.faults.push(Fault::new(
                entry.key_span.clone(),
                format!("there are {} [[{}]]", list.len(), entry.key),
                format!("at most {MOST_ROWS} are taken"),
            ));
        }
        let list = list.iter().take(MOST_ROWS);
        list.filter_map(|row| {
            as_table(row, &format!("[[{}]]", entry.key), self.faults)
                .map(|table| (table, row.span()))
        })
        .collect()
    }

    fn next_steps(&mut self, entry: &Entry<'_>) -> Vec<NextStep> {
        let rows = self.rows(entry);
        rows.into_iter()
            .map(|(table, span)| next::read(table, span, self.faults))
            .collect()
    }

    fn variants(&mut self, entry: &Entry<'_>) -> Vec<Variant> {
        let mut variants: Vec<Variant> = Vec::new();
        let mut names = BTreeSet::new();
        for (table, span) in self.rows(entry) {
            if self.faults.is_full() {
                break;
            }
            let mut variant = Variant {
                name: String::new(),
                settings: Settings::new(),
            };
            let mut named = false;
            for entry in entries(table) {
                if self.faults.is_full() {
                    break;
                }
                match entry.key {
                    "name" => {
                        variant.name = name(&entry, "a variant's name", self.faults);
                        named = true;
                        if !names.insert(variant.name.clone()) {
                            self.faults.push(Fault::new(
                                entry.span(),
                                format!("two variants are called `{}`", variant.name),
                                "the report tells variants apart by their names: rename one",
                            ));
                        }
                    }
                    "job" => {
                        if let Some(table) = as_table(entry.value, "job", self.faults) {
                            variant.settings = settings(table, "a variant's `job`", self.faults);
                        }
                    }
                    _ => self
                        .faults
                        .push(unknown_key(&entry, "[[variant]]", &["name", "job"])),
                }
            }
            if !named && self.complete {
                self.faults.push(Fault::new(
                    span,
                    "this variant has no name",
                    "the report's legend uses it: add name = \"…\"",
                ));
            }
            variants.push(variant);
        }
        variants
    }

    /// Rows of `[[exclude]]` and `[[include]]`.
    fn grid_rows(&mut self, entry: &Entry<'_>, spec: &SweepSpec, include: bool) -> Vec<Row> {
        let place = if include {
            "[[include]]"
        } else {
            "[[exclude]]"
        };
        let variants: BTreeSet<&str> = spec.variant_names().collect();
        let mut rows = Vec::new();
        for (table, span) in self.rows(entry) {
            if self.faults.is_full() {
                break;
            }
            let mut row = Row {
                span: span.clone(),
                variant: None,
                coordinates: Vec::new(),
            };
            for (name, key_span, value) in named(table, place, Vocabulary::ROW, self.faults) {
                let key = match name {
                    Named::Word("variant") => {
                        row.variant = report::known_variant(value, spec, &variants, self.faults);
                        continue;
                    }
                    Named::Word("seed") => Key::Seed,
                    Named::Word(_) => Key::Dataset,
                    Named::Parameter(parameter) => Key::Parameter(parameter),
                };
                let swept = spec
                    .axes
                    .iter()
                    .any(|axis| axis.keys.iter().any(|other| other.name() == key.name()));
                if !include && !swept {
                    self.faults.push(Fault::new(
                        key_span,
                        format!(
                            "`{}` is no axis of this sweep, so nothing can be excluded by it",
                            key.name()
                        ),
                        "exclude by `variant`, `seed` or an axis",
                    ));
                    continue;
                }
                if let Some((coordinate, span)) = coordinate(key, value, self.faults) {
                    row.coordinates.push((key, coordinate, span));
                }
            }
            if table.is_empty() && self.complete {
                let message = format!("this {place} names nothing");
                self.faults.push(Fault::new(
                    span,
                    message,
                    "name a `variant`, a `seed` or values of axes",
                ));
            }
            if include && row.variant.is_none() && spec.variants.len() > 1 {
                self.faults.push(Fault::new(
                    row.span.clone(),
                    "this [[include]] does not say of which variant it is one more job",
                    "add variant = \"…\"",
                ));
            }
            rows.push(row);
        }
        rows
    }

    /// A parameter moves on one axis, and not in a variant as well.
    fn check_axes(&mut self, spec: &SweepSpec) {
        let mut seen = BTreeSet::new();
        for axis in &spec.axes {
            for key in &axis.keys {
                let span = axis.points.first().map_or(0..0, |point| point[0].1.clone());
                if !seen.insert(key.name()) {
                    self.faults.push(Fault::new(
                        span,
                        format!("`{}` moves on two axes", key.name()),
                        "a parameter may stand once among [axes], [[zip]] and [random]",
                    ));
                }
            }
        }
        for variant in &spec.variants {
            for setting in variant
                .settings
                .values()
                .filter(|setting| seen.contains(setting.parameter.name))
            {
                self.faults.push(Fault::new(
                    setting.span.clone(),
                    format!("`{}` is set by the variant `{}` and moves on an axis", setting.parameter.name, variant.name),
                    "remove it from one of the two: the report could not tell which one a cell means",
                ));
            }
        }
    }

    fn check_whole(&mut self, spec: &mut SweepSpec, dataset: Dataset) {
        spec.data = dataset.data;
        let axis = spec.axes.iter().find_map(|axis| {
            axis.keys
                .iter()
                .position(|key| matches!(key, Key::Dataset))
                .map(|column| (axis, column))
        });
        match (dataset.source, axis) {
            (Some(source), None) => spec.datasets.push(source),
            (None, Some((axis, column))) => spec.datasets = named_sources(axis, column),
            (Some(_), Some((axis, column))) => self.faults.push(Fault::new(
                axis.points[0][column].1.clone(),
                "the data set is named in [dataset] and moves on an axis",
                "remove one of the two",
            )),
            (None, None) if self.complete && !dataset.refused => self.faults.push(Fault::new(
                dataset.span.unwrap_or(0..0),
                "the sweep names no data set",
                "write name = \"…\" under [dataset], or a table [dataset.synthetic] for generated data",
            )),
            (None, None) => {}
        }
        let mut known: BTreeSet<DatasetSource> = spec.datasets.iter().cloned().collect();
        for (_, coordinate, _) in spec.includes.iter().flat_map(|row| &row.coordinates) {
            if let Coordinate::Dataset(name) = coordinate {
                let source = DatasetSource::Named(name.clone());
                if known.insert(source.clone()) {
                    spec.datasets.push(source);
                }
            }
        }
        if dataset.digest.is_some() && spec.datasets.len() > 1 {
            self.faults.push(Fault::new(
                0..0,
                "one `dataset.digest` cannot fit several data sets",
                "remove it",
            ));
        }
        spec.dataset_digest = dataset.digest;
        if self.complete {
            check_settings(spec, self.faults);
        }
        if spec.name.is_empty() && self.complete {
            self.faults.push(Fault::new(
                0..0,
                "the sweep has no name",
                "write name = \"…\" in its first line",
            ));
        }
    }
}

fn named_sources(axis: &Axis, column: usize) -> Vec<DatasetSource> {
    let (mut sources, mut known) = (Vec::new(), BTreeSet::new());
    for point in &axis.points {
        if let Coordinate::Dataset(name) = &point[column].0
            && known.insert(name.as_str())
        {
            sources.push(DatasetSource::Named(name.clone()));
        }
    }
    sources
}
