//! From a sweep file to its jobs: ordered, bounded, a pure function of the text.
//!
//! Order: variants as in the file; then the axes by name, zips and random draws as in the file; seeds fastest; included
//! rows; the report's controls last. A job is defaults, then `[job]`, then the variant's `job`, then the point of the grid.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::adaptive;
use crate::cell::{Cell, Reporting};
use crate::contradiction::Contradiction;
use crate::controls;
use crate::dataset_source::DatasetSource;
use crate::expansion::Expansion;
use crate::fault::{Fault, Faults, Found};
use crate::id::Digest;
use crate::job::JobSpec;
use crate::parameter::{Parameter, Role};
use crate::parameters::Parameters;
use crate::registry;
use crate::registry::synthetic::with_defaults;
use crate::repeated::drop_repeated;
use crate::spec::{Coordinate, DataSettings, Key, Row, Setting, Settings, SweepSpec, Variant};
use crate::synthetic::Synthetic;
use crate::value::Value;

/// What bounds an expansion.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most cells that a sweep may have.
    pub max_jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_jobs: 100_000 }
    }
}

/// Points of the raw grid that are looked at per job that may come out, excluded ones included.
const GRID_PER_JOB: usize = 100;
/// Points of the raw grid times the rows of `[[exclude]]` that each is compared with: some seconds.
const COMPARISONS: usize = 100_000_000;

/// Parses and expands a sweep file. `path` is only shown in messages.
///
/// # Errors
/// The faults of the file; of a file with very many the first that are found.
pub fn expand_text(
    path: &str,
    text: &str,
    limits: Limits,
) -> Result<(SweepSpec, Expansion), Faults> {
    let mut spec = SweepSpec::parse(path, text)?;
    let expansion = expand(&mut spec, limits).map_err(|faults| Faults::new(path, text, faults))?;
    Ok((spec, expansion))
}

fn expand(spec: &mut SweepSpec, limits: Limits) -> Result<Expansion, Found> {
    let repeated = drop_repeated(&mut spec.axes);
    let points = spec
        .axes
        .iter()
        .try_fold(1usize, |total, axis| total.checked_mul(axis.points.len()));
    let total = points.and_then(|points| points.checked_mul(spec.variants.len()));
    let too_many = |count: String| {
        let span = 0..spec.text.find('\n').unwrap_or(spec.text.len());
        let message = format!(
            "the sweep has {count} jobs; {} are allowed",
            limits.max_jobs
        );
        Found::from(vec![Fault::new(span, message, "--max-jobs allows more")])
    };
    match total {
        None => return Err(too_many("more than 2⁶⁴".into())),
        Some(total) if spec.excludes.is_empty() && total > limits.max_jobs => {
            return Err(too_many(total.to_string()));
        }
        Some(total) if total / GRID_PER_JOB > limits.max_jobs => {
            return Err(too_many(format!("a grid of {total} points, too many")));
        }
        Some(total) if total.saturating_mul(spec.excludes.len().max(1)) > COMPARISONS => {
            return Err(too_many(format!(
                "a grid of {total} points and {} [[exclude]] rows, too many",
                spec.excludes.len()
            )));
        }
        Some(_) => {}
    }
    let mut grid = Grid {
        spec,
        columns: columns(spec),
        cells: Vec::new(),
        data: spec
            .data
            .as_ref()
            .map(DataSettings::given)
            .unwrap_or_default(),
        places: BTreeSet::new(),
        faults: Found::default(),
        blamed: BTreeSet::new(),
        base: BTreeMap::new(),
        settled: Settled::new(Parameters::default()),
    };
    let mut used = vec![false; spec.excludes.len()];
    for variant in &spec.variants {
        for index in 0..points.unwrap_or_default() {
            if grid.faults.is_full() {
                return Err(grid.faults);
            }
            let point = grid.point(index);
            let mut excluded = false;
            for (exclude, used) in spec.excludes.iter().zip(&mut used) {
                if excludes(exclude, variant, &point) {
                    *used = true;
                    excluded = true;
                }
            }
            if !excluded {
                if grid.cells.len() >= limits.max_jobs {
                    return Err(too_many(format!("more than {}", limits.max_jobs)));
                }
                grid.add(variant, &point);
            }
        }
    }
    if !spec.includes.is_empty() {
        grid.places = (0..grid.cells.len())
            .map(|index| (place_of(&grid.cells[index]), index))
            .collect();
    }
    let by_name = first_of_each_name(&spec.variants);
    for row in &spec.includes {
        if grid.faults.is_full() {
            return Err(grid.faults);
        }
        grid.include(row, &by_name);
    }
    if spec.report.controls && grid.faults.len() == 0 {
        grid.add_controls();
    }
    let Grid {
        columns,
        cells,
        mut faults,
        base,
        ..
    } = grid;
    if cells.len() > limits.max_jobs {
        return Err(too_many(cells.len().to_string()));
    }
    if cells.is_empty() && faults.len() == 0 {
        let span = spec.excludes.first().map_or(0..0, |row| row.span.clone());
        faults.push(Fault::new(
            span,
            "nothing is left of the grid",
            "the [[exclude]] rows drop every combination",
        ));
    }
    if faults.len() > 0 {
        return Err(faults);
    }
    let unused = spec
        .excludes
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(row, _)| {
            Fault::new(
                row.span.clone(),
                "this [[exclude]] drops nothing",
                "no combination of the grid equals all its keys",
            )
        });
    let idle = spec
        .base
        .values()
        .filter_map(|setting| match base.get(setting.parameter.name)? {
            BaseUse::Used => None,
            BaseUse::Overridden => Some(overridden(setting)),
            BaseUse::Inapplicable => Some(inapplicable(setting)),
        });
    let mut warnings: Vec<Fault> = unused.chain(idle).chain(repeated).collect();
    warnings.sort_by_key(|warning| warning.span.start);
    spec.warnings = warnings;
    let mut expansion = Expansion {
        columns: columns.into_iter().map(str::to_owned).collect(),
        cells,
        adaptive: None,
    };
    resolve_claims(spec, &mut expansion, limits)?;
    crate::only::keep(&mut expansion, &spec.only).map_err(Found::from)?;
    if spec.data.is_some() {
        spec.datasets = generated(&expansion.cells);
    }
    Ok(expansion)
}

/// Finds the cells of `[adaptive]`. Some cells alone get no others: what is claimed of all of them is then not asked.
fn resolve_claims(
    spec: &mut SweepSpec,
    expansion: &mut Expansion,
    limits: Limits,
) -> Result<(), Found> {
    let Some(section) = &spec.adaptive else {
        return Ok(());
    };
    let grid = adaptive::Grid {
        columns: &expansion.columns,
        cells: &expansion.cells,
    };
    let adaptive = adaptive::resolve(section, grid, limits.max_jobs)?;
    if !spec.only.is_empty() {
        let warning = Fault::new(
            section.span.clone(),
            "of some cells alone no claim is decided",
            "no seeds are added: without [only] or --only they are",
        );
        spec.warnings.push(warning);
        return Ok(());
    }
    let warning = adaptive::warning(section, &adaptive);
    spec.warnings.extend(warning);
    expansion.adaptive = Some(adaptive);
    Ok(())
}

fn columns(spec: &SweepSpec) -> Vec<&'static str> {
    let axes = spec.axes.iter().flat_map(|axis| axis.keys.iter());
    let included = spec
        .includes
        .iter()
        .flat_map(|row| row.coordinates.iter().map(|(key, _, _)| key));
    let mut columns = Vec::new();
    for name in axes.chain(included).map(|key| key.name()) {
        if name != "seed" && !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}

fn excludes(row: &Row, variant: &Variant, point: &[(Key, &Coordinate, &Range<usize>)]) -> bool {
    row.variant
        .as_ref()
        .is_none_or(|name| *name == variant.name)
        && row.coordinates.iter().all(|(key, coordinate, _)| {
            point
                .iter()
                .any(|(other, value, _)| *value == coordinate && other.name() == key.name())
        })
}

/// The generated data sets of the cells, in the order of their first use.
fn generated(cells: &[Cell]) -> Vec<DatasetSource> {
    let (mut sources, mut seen) = (Vec::new(), BTreeSet::new());
    for cell in cells {
        if seen.insert(&cell.job.dataset) {
            sources.push(cell.job.dataset.clone());
        }
    }
    sources
}

/// The variants by their names.
fn first_of_each_name(variants: &[Variant]) -> BTreeMap<&str, &Variant> {
    let mut by_name = BTreeMap::new();
    for variant in variants {
        by_name.entry(variant.name.as_str()).or_insert(variant);
    }
    by_name
}

struct Grid<'a> {
    spec: &'a SweepSpec,
    columns: Vec<&'static str>,
    cells: Vec<Cell>,
    /// Settings of generated data as the file sets them.
    data: Parameters,
    /// Where the cells so far stand (see [`place_of`]), where more are included.
    places: BTreeSet<(u64, usize)>,
    faults: Found,
    /// Spans that were already blamed for a parameter without meaning: a thousand cells share them.
    blamed: BTreeSet<(usize, &'static str)>,
    /// What the cells so far make of each key of `[job]`.
    base: BTreeMap<&'static str, BaseUse>,
    /// Of the last cell: the next one mostly differs in its seed alone.
    settled: Settled,
}

/// What cells make of a key of `[job]`; the last one of these that any cell says is true of the sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum BaseUse {
    /// It means nothing beside the other values.
    Inapplicable,
    /// The variant or an axis sets another value.
    Overridden,
    /// The job has this value.
    Used,
}

impl<'a> Grid<'a> {
    /// The point of that index; the last axis moves fastest.
    fn point(&self, mut index: usize) -> Vec<(Key, &'a Coordinate, &'a Range<usize>)> {
        let mut reversed = Vec::new();
        for axis in self.spec.axes.iter().rev() {
            let entries = &axis.points[index % axis.points.len()];
            index /= axis.points.len();
            for (key, (coordinate, span)) in axis.keys.iter().zip(entries).rev() {
                reversed.push((*key, coordinate, span));
            }
        }
        reversed.reverse();
        reversed
    }

    fn include(&mut self, row: &'a Row, by_name: &BTreeMap<&str, &'a Variant>) {
        let variants = &self.spec.variants;
        let variant = row.variant.as_deref();
        let variant = variant.and_then(|name| by_name.get(name).copied());
        let point: Vec<_> = row
            .coordinates
            .iter()
            .map(|(key, coordinate, span)| (*key, coordinate, span))
            .collect();
        self.add(variant.unwrap_or(&variants[0]), &point);
        let Some((cell, others)) = self.cells.split_last() else {
            return;
        };
        let place = place_of(cell);
        let mut alike = self.places.range((place, 0)..=(place, usize::MAX));
        let is_double = alike.any(|(_, other)| same_place(&others[*other], cell));
        self.places.insert((place, others.len()));
        if is_double {
            self.faults.push(Fault::new(
                row.span.clone(),
                "this [[include]] is in the grid already",
                "each cell of a sweep stands once: remove it, or change a value",
            ));
        }
    }

    fn add(&mut self, variant: &Variant, point: &[(Key, &Coordinate, &Range<usize>)]) {
        let mut given = Parameters::default();
        apply(&mut given, &self.spec.base);
        apply(&mut given, &variant.settings);
        let mut seed = 0;
        let mut dataset = None;
        let mut data: Option<Parameters> = None;
        for (key, coordinate, _) in point {
            match (key, coordinate) {
                (_, Coordinate::Seed(value)) => seed = *value,
                (_, Coordinate::Dataset(name)) => {
                    dataset = Some(DatasetSource::Named(name.clone()));
                }
                (Key::Parameter(setting), Coordinate::Value(value))
                    if setting.role == Role::Data =>
                {
                    data.get_or_insert_with(|| self.data.clone())
                        .set_checked(setting.name, value.clone());
                }
                (Key::Parameter(parameter), Coordinate::Value(value)) => {
                    given.set_checked(parameter.name, value.clone());
                }
                _ => {}
            }
        }
        if let Some(data) = data {
            self.blame_data(variant, point, &data);
            dataset = Some(DatasetSource::Synthetic(Synthetic::of(&data)));
        }
        let Some(mut dataset) = dataset.or_else(|| self.spec.datasets.first().cloned()) else {
            return;
        };
        if let DatasetSource::Synthetic(synthetic) = &mut dataset
            && self.spec.has_data_per_seed()
        {
            synthetic.seed = seed;
        }
        self.settle(given);
        self.blame_inapplicable(variant, point);
        self.blame_contradictions(variant, point);
        self.note_base(variant, point);
        let Settled {
            given,
            resolved,
            reporting,
            ..
        } = &self.settled;
        let job = JobSpec {
            dataset,
            seed,
            parameters: resolved.clone(),
        };
        let point = self
            .columns
            .iter()
            .map(|column| value_of(column, &job, given))
            .collect();
        let reporting = *reporting;
        self.cells.push(Cell {
            variant: variant.name.clone(),
            point,
            job,
            reporting,
        });
    }

    /// Adds what `[report] controls` asks for, after everything else.
    fn add_controls(&mut self) {
        for (mut cell, given) in
            controls::of(&self.cells, &self.spec.base, self.spec.has_data_per_seed())
        {
            cell.point = self
                .columns
                .iter()
                .map(|column| value_of(column, &cell.job, &given))
                .collect();
            self.cells.push(cell);
        }
        for (name, base_use) in &mut self.base {
            if controls::FROM_JOB.contains(name) {
                *base_use = BaseUse::Used;
            }
        }
    }

    /// Works out what the cell's parameters mean, unless they are those of the cell before.
    fn settle(&mut self, given: Parameters) {
        if self.settled.given != given {
            self.settled = Settled::new(given);
        }
    }

    /// Notes for each key of `[job]` what this cell makes of it.
    fn note_base(&mut self, variant: &Variant, point: &[(Key, &Coordinate, &Range<usize>)]) {
        for name in self.spec.base.keys().copied() {
            let use_of = self.base.entry(name).or_insert(BaseUse::Inapplicable);
            if *use_of == BaseUse::Used {
                continue;
            }
            let mut inapplicable = self.settled.inapplicable.iter();
            let here = if inapplicable.any(|parameter| parameter.name == name) {
                BaseUse::Inapplicable
            } else if variant.settings.contains_key(name)
                || point.iter().any(|(key, ..)| key.name() == name)
            {
                BaseUse::Overridden
            } else {
                BaseUse::Used
            };
            *use_of = here.max(*use_of);
        }
    }

    /// A parameter that means nothing is left out of the job, silently where `[job]` sets it for all; where a variant or
    /// an axis sets it, somebody expects a difference that will not come.
    fn blame_inapplicable(
        &mut self,
        variant: &Variant,
        point: &[(Key, &Coordinate, &Range<usize>)],
    ) {
        for parameter in &self.settled.inapplicable {
            let on_axis = point
                .iter()
                .find(|(key, _, _)| key.name() == parameter.name)
                .map(|(_, _, span)| (*span).clone());
            let in_variant = variant
                .settings
                .get(parameter.name)
                .map(|setting| setting.span.clone());
            let (Some(span), axis) = (on_axis.clone().or(in_variant), on_axis.is_some()) else {
                continue;
            };
            // An axis is blamed once, at the first of its values; a variant each for itself.
            let place = if axis { usize::MAX } else { span.start };
            if self.blamed.insert((place, parameter.name)) {
                self.faults
                    .push(without_meaning(parameter, &variant.name, axis, span));
            }
        }
    }
}

impl Grid<'_> {
    /// A setting of generated data that means nothing in the world of its cell is a fault, once at the first of its values.
    fn blame_data(
        &mut self,
        variant: &Variant,
        point: &[(Key, &Coordinate, &Range<usize>)],
        data: &Parameters,
    ) {
        let all = with_defaults(data);
        for (key, _, span) in point {
            if let Key::Parameter(setting) = key
                && setting.role == Role::Data
                && !(setting.applies)(&all)
                && self.blamed.insert((usize::MAX, setting.name))
            {
                let fault = without_meaning(setting, &variant.name, true, (*span).clone());
                self.faults.push(fault);
            }
        }
    }

    /// What cannot be done is a fault where the parameter to blame is set: on an axis, in the variant, in `[job]`, or nowhere,
    /// since its default contradicts the others.
    fn blame_contradictions(
        &mut self,
        variant: &Variant,
        point: &[(Key, &Coordinate, &Range<usize>)],
    ) {
        for contradiction in &self.settled.contradictions {
            let name = contradiction.name;
            let mut on_axis = point.iter().filter(|(key, _, _)| key.name() == name);
            let in_variant = variant.settings.get(name);
            let in_job = self.spec.base.get(name);
            let span = (on_axis.next().map(|(_, _, span)| (*span).clone()))
                .or_else(|| in_variant.map(|setting| setting.span.clone()))
                .or_else(|| {
                    let setting = in_job.filter(|_| !contradiction.allowed_in_job);
                    setting.map(|setting| setting.span.clone())
                });
            let span = match span {
                Some(span) => span,
                None if contradiction.allowed_in_job => continue,
                None => 0..0,
            };
            if self.blamed.insert((span.start, name)) {
                let message = format!("{} in `{}`", contradiction.message, variant.name);
                self.faults
                    .push(Fault::new(span, message, contradiction.help));
            }
        }
    }
}

/// What a cell's parameters mean.
struct Settled {
    given: Parameters,
    resolved: Parameters,
    reporting: Reporting,
    inapplicable: Vec<&'static Parameter>,
    contradictions: Vec<Contradiction>,
}

impl Settled {
    fn new(given: Parameters) -> Self {
        Self {
            resolved: JobSpec::resolved(&given),
            reporting: Reporting::of(&given),
            inapplicable: given.inapplicable(),
            contradictions: given.contradictions(),
            given,
        }
    }
}

/// A key of `[job]` without meaning in every cell.
fn inapplicable(setting: &Setting) -> Fault {
    let parameter = setting.parameter;
    Fault::new(
        setting.span.clone(),
        format!("no job of this sweep uses `{}`", parameter.name),
        format!("it needs: {}. Remove it from [job]", parameter.condition),
    )
}

/// A key of `[job]` that every cell has another value of.
fn overridden(setting: &Setting) -> Fault {
    Fault::new(
        setting.span.clone(),
        format!(
            "no job of this sweep uses this value of `{}`",
            setting.parameter.name
        ),
        "the variants or an axis set their own: remove it from [job]",
    )
}

fn without_meaning(parameter: &Parameter, variant: &str, axis: bool, span: Range<usize>) -> Fault {
    let help = if axis {
        format!(
            "it needs: {}. Drop the combination by an [[exclude]], or give the variants that need it a [[zip]]",
            parameter.condition
        )
    } else {
        format!("it needs: {}. Remove it here", parameter.condition)
    };
    Fault::new(
        span,
        format!("`{}` means nothing in a job of `{variant}`", parameter.name),
        help,
    )
}

fn apply(given: &mut Parameters, settings: &Settings) {
    for setting in settings.values() {
        given.set_checked(setting.parameter.name, setting.value.clone());
    }
}

/// What a cell shows in a column: what its job really has, so that a row that does not set a value shows the one in force.
fn value_of(column: &str, job: &JobSpec, given: &Parameters) -> Option<Value> {
    if column == "dataset" {
        return Some(Value::Text(job.dataset.to_string()));
    }
    if registry::find_setting(column).is_some() {
        return match &job.dataset {
            DatasetSource::Synthetic(synthetic) => synthetic.setting(column),
            DatasetSource::Named(_) | DatasetSource::Video(_) => None,
        };
    }
    let reporting =
        registry::find(column).is_some_and(|parameter| parameter.role == Role::Reporting);
    if reporting {
        given.get(column).cloned()
    } else {
        job.parameters.get(column).cloned()
    }
}

/// Equal for cells in the same place, and hardly ever for others.
fn place_of(cell: &Cell) -> u64 {
    let mut bytes = cell.job.seed.to_le_bytes().to_vec();
    crate::value::encode_text(&cell.variant, &mut bytes);
    for value in &cell.point {
        match value {
            None => bytes.push(0),
            Some(value) => value.encode(&mut bytes),
        }
    }
    let digest = Digest::of(&bytes).0;
    u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
}

fn same_place(left: &Cell, right: &Cell) -> bool {
    left.variant == right.variant && left.point == right.point && left.job.seed == right.job.seed
}
