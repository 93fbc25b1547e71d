//! `gcl-sweep report`: the report and the CSV files of sweeps, from a coordinator or a state folder.

use std::path::Path;

use reports::{DatasetInfo, SplitCounts, SweepResults};

use crate::arguments::{Format, Report};
use crate::client::Client;
use crate::command::sweep_file::SweepFile;
use crate::error::{CommandError, chain};
use crate::output;
use crate::version;

/// Writes the report of the named sweeps.
pub fn report(arguments: &Report, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let mut serving = None;
        let connection = match &arguments.state {
            None => arguments.connection.clone(),
            Some(state) => {
                let opened = super::state::serve_existing(state).await?;
                let connection = crate::arguments::Connection {
                    coordinator: format!("http://{}", opened.address),
                    token_file: None,
                    ca: None,
                };
                serving = Some(opened);
                connection
            }
        };
        let outcome = write_all(arguments, &connection).await;
        if let Some(serving) = serving {
            serving.stop().await?;
        }
        for results in outcome? {
            print_summary(&results, format)?;
        }
        output::say(&format!(
            "report: {}",
            arguments.out.join("report").join("index.html").display()
        ));
        Ok(())
    })
}

async fn write_all(
    arguments: &Report,
    connection: &crate::arguments::Connection,
) -> Result<Vec<SweepResults>, CommandError> {
    let client = Client::new(connection)?;
    let mut all = Vec::new();
    for sweep in &arguments.sweeps {
        all.push(gather(&client, sweep, &arguments.out, None).await?);
    }
    // One sweep's CSV files lie beside the report; several have a folder each.
    for results in &all {
        let folder = if all.len() == 1 {
            arguments.out.clone()
        } else {
            arguments.out.join(super::folder_name(&results.name))
        };
        write_csv(results, &folder)?;
    }
    reports::write_report(&all, &arguments.out.join("report"))
        .map_err(|error| CommandError::Other(chain(&error)))?;
    Ok(all)
}

/// Writes report and CSV files of one sweep into `out`.
pub async fn write(
    client: &Client,
    sweep: &str,
    out: &Path,
    file: Option<&SweepFile>,
) -> Result<SweepResults, CommandError> {
    let results = gather(client, sweep, out, file).await?;
    write_csv(&results, out)?;
    reports::write_report(std::slice::from_ref(&results), &out.join("report"))
        .map_err(|error| CommandError::Other(chain(&error)))?;
    Ok(results)
}

fn write_csv(results: &SweepResults, folder: &Path) -> Result<(), CommandError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| CommandError::io("make the folder", folder, &error))?;
    reports::write_csv(results, folder).map_err(|error| CommandError::Other(chain(&error)))
}

/// Everything that a report says of a sweep.
async fn gather(
    client: &Client,
    sweep: &str,
    out: &Path,
    file: Option<&SweepFile>,
) -> Result<SweepResults, CommandError> {
    let info = client.sweep_info(sweep).await?;
    let mut cells = client.cells(sweep).await?;
    let mut notes = Vec::new();
    if info.discrepancies > 0 {
        notes.push(format!(
            "{} jobs ran twice with results that differ, though they must not.",
            info.discrepancies
        ));
    }
    notes.extend(info.audit.sentence());
    let datasets = info
        .datasets
        .iter()
        .map(|(name, digest)| {
            describe(
                name.clone(),
                *digest,
                file.and_then(|file| file.datasets.get(name)),
            )
        })
        .collect();
    let request = sweeps::SweepSpec::parse(&info.file, &info.text)
        .map(|spec| spec.report)
        .unwrap_or_default();
    notes.extend(super::scores::smooth(client, &mut cells).await?);
    let scores = super::scores::fetch(client, &request.figures, &cells).await?;
    Ok(SweepResults {
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
        },
        command: command(&info.file, out, file),
        version: version::LONG.to_owned(),
        notes,
        scores,
        facts: Vec::new(),
    })
}

fn command(path: &str, out: &Path, file: Option<&SweepFile>) -> String {
    let mut command = format!("gcl-sweep run {path}");
    for name in file.into_iter().flat_map(|file| file.datasets.keys()) {
        command += &format!(" --data {name}=DIR");
    }
    command + &format!(" --out {}", out.display())
}

fn describe(
    name: String,
    digest: sweeps::Digest,
    dataset: Option<&datasets::Dataset>,
) -> DatasetInfo {
    let mut info = DatasetInfo {
        name,
        digest: Some(digest),
        ..DatasetInfo::default()
    };
    if let Some(dataset) = dataset {
        let metadata = &dataset.metadata;
        info.synthetic = dataset.synthetic;
        info.feature_dim = Some(metadata.feature_dim as u64);
        info.licence = Some(metadata.licence.clone());
        info.source = Some(metadata.source.clone());
        info.extractor = Some(metadata.extractor.clone());
        info.train = Some(counts(&dataset.train, false));
        info.test = Some(counts(&dataset.test, true));
    }
    info
}

fn counts(split: &datasets::Split, truth: bool) -> SplitCounts {
    let anomalous = |video: &datasets::Video| -> u64 {
        video
            .anomalous
            .iter()
            .map(|range| u64::from(range.end - range.start))
            .sum()
    };
    SplitCounts {
        videos: split.videos.len() as u64,
        segments: split
            .videos
            .iter()
            .map(|video| video.segments() as u64)
            .sum(),
        frames: split
            .videos
            .iter()
            .map(|video| u64::from(video.frames))
            .sum(),
        anomalous_frames: truth.then(|| split.videos.iter().map(anomalous).sum()),
    }
}

/// Prints mean ± std per variant and swept point.
pub fn print_summary(results: &SweepResults, format: Format) -> Result<(), CommandError> {
    let rows = reports::summary(results);
    if format == Format::Json {
        return output::json(&super::summary::as_json(results, &rows));
    }
    output::print(&super::summary::table(results, &rows))
}
