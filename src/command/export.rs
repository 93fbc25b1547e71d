//! `gcl-sweep export`: one table of a sweep for other programs.

use reports::SweepResults;
use reports::files::{write_epochs, write_json, write_results, write_summary};

use super::source::{Source, read_files};
use crate::arguments::{Encoding, Export, ExportTable};
use crate::error::CommandError;
use crate::output;

/// Writes the table to stdout or into a file.
pub fn export(arguments: &Export, encoding: Encoding) -> Result<(), CommandError> {
    match (encoding, arguments.table) {
        (Encoding::Parquet, _) => {
            return Err(CommandError::Usage(
                "this version writes no Parquet. Export CSV and convert it: python -c \"import pandas; \
                 pandas.read_csv('results.csv').to_parquet('results.parquet')\""
                    .into(),
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
            let mut all = read_files(std::slice::from_ref(path), &names)?;
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
    let text = match (encoding, arguments.table) {
        (Encoding::Json, _) => write_json(&results),
        (_, ExportTable::Results) => write_results(&results),
        (_, ExportTable::Epochs) => write_epochs(&results),
        (_, ExportTable::Summary) => write_summary(&results, &reports::summary(&results)),
    };
    match &arguments.out {
        None => output::bytes(text.as_bytes()),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| CommandError::io("write", path, &error))
        }
    }
}

fn ask(arguments: &Export) -> Result<SweepResults, CommandError> {
    super::runtime()?.block_on(async {
        let source = Source::open(arguments.state.as_deref(), &arguments.connection).await?;
        let name = arguments.sweep.as_deref().unwrap_or_default();
        let results = super::report::cells_of(&source.client, name).await;
        source.close().await?;
        results
    })
}
