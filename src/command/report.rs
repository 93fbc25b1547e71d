//! `gcl-sweep report`: the report and the CSV files of sweeps, from a coordinator or a state folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proto::error_chain;
use proto::nouns::{StateKind, SweepInfo};
use reports::{DatasetInfo, SplitCounts, SweepResults};

use crate::arguments::{Format, Report};
use crate::client::Client;
use crate::command::source::{Results, Source, failed};
use crate::command::sweep_file::SweepFile;
use crate::error::CommandError;
use crate::output;
use crate::output::counted;
use crate::version;

/// The exact versions of everything this program is made of; a report carries its digest.
pub const LOCK_FILE: &[u8] = include_bytes!("../../Cargo.lock");

/// Writes the report of the named sweeps.
pub fn report(arguments: &Report, format: Format) -> Result<(), CommandError> {
    let drawings = arguments
        .from
        .iter()
        .filter(|path| reports::figures::is_figure_data(path))
        .count();
    if drawings > 0 {
        if drawings < arguments.from.len() {
            return Err(CommandError::Usage(
                "the CSV of a figure draws that figure, results.csv makes a report: name one kind at a time".into(),
            ));
        }
        return super::single_figure::redraw(arguments);
    }
    if arguments.out.is_none() && arguments.figure.is_none() {
        return Err(CommandError::Usage(
            "--out DIR is missing: the folder for the report".into(),
        ));
    }
    if !arguments.from.is_empty() {
        let mut all =
            super::source::read_files(&arguments.from, &arguments.sweeps, arguments.map.as_ref())?;
        for results in &mut all {
            ask_for(&mut results.report.figures, arguments.figure.as_deref());
        }
        return deliver(arguments, &all, format);
    }
    super::runtime()?.block_on(async {
        let source = Source::of_folder(
            arguments.out.as_deref(),
            arguments.state.as_deref(),
            &arguments.connection,
        )?;
        if arguments.watch
            && let Some(client) = source.coordinator()
        {
            return renew(arguments, client, format).await;
        }
        let all = gather_all(arguments, &source).await?;
        deliver(arguments, &all, format)
    })
}

async fn gather_all(
    arguments: &Report,
    client: &impl Results,
) -> Result<Vec<SweepResults>, CommandError> {
    let mut all = Vec::new();
    for sweep in &arguments.sweeps {
        let mut results = gather(client, sweep, None, None, arguments.figure.as_deref()).await?;
        // One figure shows no comparison, and a report that is renewed waits with them for the last cell.
        let settled = results.cells.iter().all(|cell| cell.status.is_settled());
        if arguments.figure.is_none() && (settled || !arguments.watch) {
            super::scores::resample(client, &mut results).await;
        }
        all.push(results);
    }
    Ok(all)
}

/// Writes the report again whenever a cell has changed, until all are settled. A coordinator that goes away is waited for.
async fn renew(arguments: &Report, client: &Client, format: Format) -> Result<(), CommandError> {
    let stop = crate::interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let interrupted =
        || CommandError::Interrupted("stopped renewing the report; the sweep goes on".into());
    let mut last: Vec<SweepResults> = Vec::new();
    let mut away = false;
    loop {
        let gathered = tokio::select! {
            gathered = gather_all(arguments, client) => gathered,
            () = stop.cancelled() => return Err(interrupted()),
        };
        match gathered {
            Ok(all) => {
                if std::mem::take(&mut away) {
                    output::say("the coordinator answers again");
                }
                if renew_once(arguments, &all, &last, format)? {
                    return Ok(());
                }
                last = all;
            }
            // An address that never answered is a mistake; one that did comes back, unless it has locked this caller out.
            Err(CommandError::Unreachable(message))
                if !last.is_empty() && !client.is_locked_out().await =>
            {
                if !std::mem::replace(&mut away, true) {
                    let first = message.lines().next().unwrap_or_default();
                    output::say(&format!(
                        "{first}; the report stays as it is until it answers"
                    ));
                }
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_secs(arguments.every)) => {}
            () = stop.cancelled() => return Err(interrupted()),
        }
    }
}

/// Writes the report where it has news; whether it was the last one.
fn renew_once(
    arguments: &Report,
    all: &[SweepResults],
    last: &[SweepResults],
    format: Format,
) -> Result<bool, CommandError> {
    let cells = || all.iter().flat_map(|results| &results.cells);
    let open = cells().filter(|cell| !cell.status.is_settled()).count();
    if !last.is_empty() && cells().eq(last.iter().flat_map(|results| &results.cells)) {
        return Ok(false);
    }
    if open == 0 {
        deliver(arguments, all, format)?;
        return Ok(true);
    }
    write_all(arguments, all)?;
    let total = cells().count();
    output::say(&format!(
        "report renewed: {} of {} settled",
        total - open,
        counted(total, "cell")
    ));
    Ok(false)
}

/// Writes what was asked for, and says so.
fn deliver(arguments: &Report, all: &[SweepResults], format: Format) -> Result<(), CommandError> {
    if let Some(figure) = &arguments.figure {
        return super::single_figure::write(all, figure, arguments.png, arguments.out.as_deref());
    }
    write_all(arguments, all)?;
    for (results, name) in all.iter().zip(reports::names(all)) {
        if all.len() > 1 && format == Format::Text {
            output::print(&format!("{name}:"))?;
        }
        print_summary(results, format)?;
    }
    let out = arguments.out.as_deref().unwrap_or(Path::new("."));
    output::say(&format!(
        "report: {}",
        out.join("report").join("index.html").display()
    ));
    Ok(())
}

fn write_all(arguments: &Report, all: &[SweepResults]) -> Result<(), CommandError> {
    let out = arguments.out.as_deref().unwrap_or(Path::new("."));
    // One sweep's CSV files lie beside the report; several have a folder each, those of one name too.
    let mut taken = BTreeSet::new();
    for results in all {
        let folder = if all.len() == 1 {
            out.to_owned()
        } else {
            let plain = super::folder_name(&results.name);
            let mut name = plain.clone();
            let mut number = 1;
            while !taken.insert(name.clone()) {
                number += 1;
                name = format!("{plain}-{number}");
            }
            out.join(name)
        };
        write_csv(results, &folder)?;
    }
    reports::write_report(all, &out.join("report")).map_err(|error| failed(&error))
}

/// Writes report and CSV files of one sweep into `out`.
pub async fn write(
    client: &impl Results,
    sweep: &str,
    out: &Path,
    file: Option<&SweepFile>,
) -> Result<SweepResults, CommandError> {
    let mut results = gather(client, sweep, Some(out), file, None).await?;
    super::scores::resample(client, &mut results).await;
    if let Some(kept) = super::versions::keep(&results, out)? {
        output::say(&super::versions::hint(&kept, out));
    }
    write_csv(&results, out)?;
    reports::write_report(std::slice::from_ref(&results), &out.join("report"))
        .map_err(|error| CommandError::Other(error_chain(&error)))?;
    Ok(results)
}

fn write_csv(results: &SweepResults, folder: &Path) -> Result<(), CommandError> {
    crate::folder::make(folder)?;
    reports::write_csv(results, folder).map_err(|error| CommandError::Other(error_chain(&error)))
}

/// Everything that a report says of a sweep, with the intervals over test videos: what is published.
pub async fn results_of(client: &impl Results, sweep: &str) -> Result<SweepResults, CommandError> {
    let mut results = gather(client, sweep, None, None, None).await?;
    super::scores::resample(client, &mut results).await;
    Ok(results)
}

/// The data sets of a sweep, as the records of its jobs know them; those that `here` has with what their folders say.
pub fn datasets_of(
    info: &SweepInfo,
    cells: &[sweeps::CellResult],
    here: &BTreeMap<String, datasets::Dataset>,
) -> Vec<DatasetInfo> {
    info.datasets
        .iter()
        .map(|(name, digest)| {
            let mut described = describe(name.clone(), *digest, trained_on(cells, name, *digest));
            if let Some(dataset) = here.get(name).filter(|dataset| dataset.digest == *digest) {
                add_texts(&mut described, dataset);
            }
            described
        })
        .collect()
}

/// Everything that a report says of a sweep. `out` is the folder of a `run`, which its command names.
async fn gather(
    client: &impl Results,
    sweep: &str,
    out: Option<&Path>,
    file: Option<&SweepFile>,
    figure: Option<&str>,
) -> Result<SweepResults, CommandError> {
    let info = client.sweep_info(sweep).await?;
    let mut cells = client.cells(sweep).await?;
    if cells
        .iter()
        .any(|cell| cell.cell.job.extraction().is_some())
    {
        return Err(CommandError::Usage(format!(
            "`{sweep}` extracts features and trains nothing: there is nothing to report; `extract` fetches its data set"
        )));
    }
    let mut notes = Vec::new();
    if info.discrepancies > 0 {
        notes.push(format!(
            "{} ran twice with results that differ, though they must not.",
            counted(info.discrepancies, "job")
        ));
    }
    notes.extend(info.audit.sentence());
    let nowhere = BTreeMap::new();
    let here = file.map_or(&nowhere, |file| &file.datasets);
    let datasets = datasets_of(&info, &cells, here);
    let spec = sweeps::SweepSpec::parse(&info.file, &info.text).ok();
    let selections: Vec<String> = spec
        .iter()
        .flat_map(|spec| spec.selections().map(str::to_owned))
        .collect();
    let mut request = spec.map(|spec| spec.report).unwrap_or_default();
    ask_for(&mut request.figures, figure);
    notes.extend(super::scores::evaluate_again(client, &mut cells).await?);
    let (scores, lost) = super::scores::fetch(client, &request.figures, &cells).await?;
    for note in &lost {
        output::say(&format!("warning: {note}"));
    }
    notes.extend(lost);
    let (cards, unread) = super::scores::cards(client, &cells).await?;
    notes.extend(unread);
    let rehearsal = is_rehearsal(&info);
    if rehearsal {
        notes.insert(0, REHEARSAL_NOTE.to_owned());
    }
    let kept = info.claims.filter(|_| !rehearsal);
    let command = command(&info.file, &selections, &cells, out, rehearsal);
    let mut results = SweepResults {
        name: info.summary.name,
        description: info.summary.description,
        source_text: info.text,
        source_path: info.file.clone(),
        datasets,
        columns: info.columns,
        cells,
        report: reports::ReportRequest {
            figures: request.figures,
            tables: request.tables,
            reference: request.reference,
            controls: request.controls,
        },
        command,
        version: version::LONG.to_owned(),
        notes,
        scores,
        video_intervals: Vec::new(),
        lost_curves: BTreeMap::new(),
        lost_s: Some(info.lost_ms as f64 / 1000.0),
        facts: facts(info.summary.submitted_at.0),
        cards,
        warnings_lost: false,
        claims: None,
        rehearsal,
    };
    if let Some(kept) = kept {
        let (view, sentences) = reports::claims::taken_again(&kept, &results);
        results.notes.extend(sentences);
        results.claims = Some(Box::new(view));
    }
    Ok(results)
}

/// When the sweep was submitted, and of what this program is made.
fn facts(submitted_ms: u64) -> Vec<(String, String)> {
    facts_of(submitted_ms, &this_program())
}

/// The same of any program.
pub fn facts_of(submitted_ms: u64, program: &publication::Program) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let submitted = crate::clock::date_and_time(submitted_ms);
    if submitted_ms > 0 && !submitted.is_empty() {
        facts.push(("Submitted".to_owned(), submitted));
    }
    if let Some(repository) = &program.repository {
        facts.push((
            "Code".to_owned(),
            format!("{repository}, {}", program.version),
        ));
    }
    facts.push((
        "Cargo.lock of this program (BLAKE3)".to_owned(),
        program.lock.to_string(),
    ));
    facts
}

/// This program.
pub fn this_program() -> publication::Program {
    // The repository of a fork is the fork's: what Cargo.toml says, unless it says nothing yet.
    let repository = env!("CARGO_PKG_REPOSITORY");
    let is_known = !repository.is_empty() && !repository.contains("example.org");
    publication::Program {
        version: version::LONG.to_owned(),
        repository: is_known.then(|| repository.to_owned()),
        lock: sweeps::Digest::of(LOCK_FILE),
    }
}

const REHEARSAL_NOTE: &str = "This is a rehearsal: small networks trained on stand-ins for two epochs. No number on this page is a result.";

/// Whether the jobs of this sweep are those of a rehearsal.
fn is_rehearsal(info: &SweepInfo) -> bool {
    StateKind::of(info.trainer_revision) == StateKind::Rehearsal
}

/// A sweep's cells without scores and figures: what `export` needs.
pub async fn cells_of(client: &impl Results, sweep: &str) -> Result<SweepResults, CommandError> {
    let info = client.sweep_info(sweep).await?;
    let mut cells = client.cells(sweep).await?;
    super::scores::evaluate_again(client, &mut cells).await?;
    Ok(SweepResults {
        rehearsal: is_rehearsal(&info),
        name: info.summary.name,
        columns: info.columns,
        cells,
        ..SweepResults::default()
    })
}

/// Adds a figure to those that a sweep file asks for.
fn ask_for(figures: &mut Vec<String>, figure: Option<&str>) {
    if let Some(figure) = figure
        && !figures.iter().any(|name| name == figure)
    {
        figures.push(figure.to_owned());
    }
}

/// The command that runs the sweep on one machine, or rehearses it.
fn command(
    path: &str,
    selections: &[String],
    cells: &[sweeps::CellResult],
    out: Option<&Path>,
    rehearsal: bool,
) -> String {
    let verb = if rehearsal { "rehearse" } else { "run" };
    let mut command = format!("gcl-sweep {verb} {}", reports::shell_word(path));
    let named: BTreeSet<&str> = cells
        .iter()
        .filter_map(|result| match &result.cell.job.dataset {
            // A rehearsal needs no folder.
            sweeps::DatasetSource::Named(name) if !rehearsal => Some(name.as_str()),
            _ => None,
        })
        .collect();
    for name in named {
        command += &format!(" --data {}", reports::shell_word(&format!("{name}=DIR")));
    }
    for selection in selections {
        command += &format!(" --only {}", reports::shell_word(selection));
    }
    if let Some(out) = out {
        command += &format!(" --out {}", reports::shell_word(&out.display().to_string()));
    }
    command
}

/// What the workers know of the data set that its jobs name: the first finished one says it.
fn trained_on<'a>(
    cells: &'a [sweeps::CellResult],
    name: &str,
    digest: sweeps::Digest,
) -> Option<&'a sweeps::DatasetFacts> {
    cells
        .iter()
        .filter(|result| {
            matches!(&result.cell.job.dataset, sweeps::DatasetSource::Named(other) if other == name)
        })
        .filter_map(|result| Some(&result.record.as_ref()?.provenance))
        .filter(|provenance| provenance.dataset_digest == digest)
        .find_map(|provenance| provenance.dataset.as_deref())
}

fn describe(
    name: String,
    digest: sweeps::Digest,
    facts: Option<&sweeps::DatasetFacts>,
) -> DatasetInfo {
    let mut info = DatasetInfo {
        name,
        digest: Some(digest),
        ..DatasetInfo::default()
    };
    if let Some(facts) = facts {
        info.own_name = Some(facts.own_name.clone());
        info.synthetic = facts.synthetic;
        info.feature_dim = Some(facts.feature_dim);
        info.train = Some(counts(facts.train, false));
        info.test = Some(counts(facts.test, true));
    }
    info
}

/// Adds what a folder of this machine says of itself; it has that digest.
fn add_texts(info: &mut DatasetInfo, dataset: &datasets::Dataset) {
    let (metadata, facts) = (&dataset.metadata, dataset.facts());
    info.synthetic = dataset.synthetic;
    info.own_name = Some(facts.own_name);
    info.feature_dim = Some(facts.feature_dim);
    info.licence = Some(metadata.licence.clone());
    info.source = Some(metadata.source.clone());
    info.extractor = Some(metadata.extractor.clone());
    info.train = Some(counts(facts.train, false));
    info.test = Some(counts(facts.test, true));
}

/// What a split holds; `truth`: also how much of it is anomalous.
pub fn counts(split: sweeps::SplitFacts, truth: bool) -> SplitCounts {
    SplitCounts {
        videos: split.videos,
        segments: split.segments,
        frames: split.frames,
        anomalous_frames: truth.then_some(split.anomalous_frames),
    }
}

/// Prints mean ± std per variant and swept point.
pub fn print_summary(results: &SweepResults, format: Format) -> Result<(), CommandError> {
    let rows = reports::summary(results);
    if results.rehearsal && format == Format::Text {
        output::print("rehearsal on stand-ins: no number here is a result")?;
    }
    if format == Format::Json {
        return output::json(&super::summary::as_json(results, &rows));
    }
    output::print(&super::summary::table(results, &rows))
}
