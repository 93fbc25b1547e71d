//! `gcl-sweep export`: one table of a sweep for other programs.

use std::io::IsTerminal;
use std::path::Path;

use reports::SweepResults;
use reports::files::{write_epochs, write_json, write_results, write_summary};

use super::source::{Source, read_files};
use crate::arguments::{Encoding, Export, ExportTable, Program};
use crate::error::CommandError;
use crate::output;

/// Writes the table to stdout or into a file.
pub fn export(arguments: &Export, encoding: Encoding) -> Result<(), CommandError> {
    match (encoding, arguments.table) {
        (Encoding::Parquet, _) if cfg!(not(feature = "parquet")) => {
            return Err(no_parquet());
        }
        (Encoding::Parquet, _) if arguments.out.is_none() && std::io::stdout().is_terminal() => {
            return Err(CommandError::Usage(
                "Parquet is not for a terminal: give --out FILE, or a pipe".into(),
            ));
        }
        (Encoding::Json, ExportTable::Epochs | ExportTable::Summary) => {
            return Err(CommandError::Usage(
                "as JSON there is one table: each cell has its epochs inside; leave --table out"
                    .into(),
            ));
        }
        _ => {}
    }
    let results = match &arguments.from {
        Some(path) => {
            let names: Vec<String> = arguments.sweep.iter().cloned().collect();
            let paths = std::slice::from_ref(path);
            let mut all = read_files(paths, &names, arguments.map.as_ref())?;
            if all.len() > 1 {
                let names: Vec<&str> = all.iter().map(|results| results.name.as_str()).collect();
                return Err(CommandError::Usage(format!(
                    "the file has several sweeps, name one: {}",
                    names.join(", ")
                )));
            }
            all.pop()
        }
        None => Some(ask(arguments)?),
    };
    // Reading gives at least one sweep or an error.
    let Some(results) = results else {
        return Err(CommandError::Input("there is no sweep in the files".into()));
    };
    if let Some(program) = arguments.to {
        return hand_over(&results, program, arguments);
    }
    let text = match (encoding, arguments.table) {
        (Encoding::Json, _) => write_json(&results),
        (_, ExportTable::Results) => write_results(&results),
        (_, ExportTable::Epochs) => write_epochs(&results),
        (_, ExportTable::Summary) => write_summary(&results, &reports::summary(&results)),
    };
    let bytes = if encoding == Encoding::Parquet {
        as_parquet(&text)?
    } else {
        text.into_bytes()
    };
    match &arguments.out {
        Some(path) if run_folder(arguments).is_none() => {
            std::fs::write(path, bytes).map_err(|error| CommandError::io("write", path, &error))
        }
        _ if encoding == Encoding::Json => output::json_text(&String::from_utf8_lossy(&bytes)),
        _ => output::bytes(&bytes),
    }
}

/// Writes the sweep as runs of another program.
fn hand_over(
    results: &SweepResults,
    program: Program,
    arguments: &Export,
) -> Result<(), CommandError> {
    let Some(out) = arguments.out.as_deref() else {
        return Err(CommandError::Usage(
            "--out DIR is missing: the folder for the runs".into(),
        ));
    };
    crate::folder::make(out)?;
    let (written, next) = match program {
        Program::Mlflow => (
            reports::write_mlflow(results, out),
            format!("mlflow ui --backend-store-uri {}", out.display()),
        ),
        Program::WandbOffline => (
            reports::write_wandb(results, out),
            format!("wandb sync {}/offline-run-*", out.display()),
        ),
    };
    let runs = written.map_err(|error| super::source::failed(&error))?;
    output::say(&format!(
        "{} in {}: `{next}`",
        output::counted(runs, "run"),
        out.display()
    ));
    Ok(())
}

/// The folder of a `run` that --out names, rather than a file to write.
fn run_folder(arguments: &Export) -> Option<&Path> {
    arguments
        .out
        .as_deref()
        .filter(|out| out.is_dir() && arguments.to.is_none())
}

#[cfg(feature = "parquet")]
fn as_parquet(text: &str) -> Result<Vec<u8>, CommandError> {
    reports::files::write_parquet(text).map_err(|error| super::source::failed(&error))
}

#[cfg(not(feature = "parquet"))]
fn as_parquet(_: &str) -> Result<Vec<u8>, CommandError> {
    Err(no_parquet())
}

fn no_parquet() -> CommandError {
    CommandError::Usage(
        "this build writes no Parquet (it was made without the feature `parquet`). Export CSV and convert it: \
         python -c \"import pandas; pandas.read_csv('results.csv').to_parquet('results.parquet')\""
            .into(),
    )
}

fn ask(arguments: &Export) -> Result<SweepResults, CommandError> {
    super::runtime()?.block_on(async {
        let source = Source::of_folder(
            run_folder(arguments),
            arguments.state.as_deref(),
            &arguments.connection,
        )?;
        let name = arguments.sweep.as_deref().unwrap_or_default();
        super::report::cells_of(&source, name).await
    })
}
