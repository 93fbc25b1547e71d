//! `gcl-sweep data inspect`: what is in a data set, and with `--regime` what kind of data it is.

use std::path::Path;

use datasets::{Dataset, Inspection};
use metrics::data_card::DataCard;
use serde::Serialize;
use sweeps::DatasetSource;

use crate::arguments::{Format, Inspect};
use crate::command::sweep_file::SweepFile;
use crate::error::CommandError;
use crate::output;

/// Prints what is in a folder, or in the synthetic data sets of a sweep file.
pub fn inspect(arguments: &Inspect, format: Format) -> Result<(), CommandError> {
    let path = &arguments.path;
    if path.is_file() {
        let all = synthetic(path)?
            .iter()
            .map(|dataset| {
                let card = arguments.regime.then(|| card(dataset, arguments));
                Ok(Inspected::new(
                    datasets::inspect(dataset),
                    card.transpose()?,
                ))
            })
            .collect::<Result<Vec<_>, CommandError>>()?;
        return match (all.as_slice(), format) {
            ([one], _) => one.print(format),
            (all, Format::Json) => output::json(all),
            (all, Format::Text) => all.iter().try_for_each(|one| one.print(format)),
        };
    }
    let inspection = inspect_folder(path)?;
    let card = if arguments.regime {
        let dataset =
            datasets::open(path).map_err(|error| CommandError::Input(error.to_string()))?;
        Some(card(&dataset, arguments)?)
    } else {
        None
    };
    Inspected::new(inspection, card).print(format)
}

/// Prints what is in a folder that was just made.
pub fn show(folder: &Path, format: Format) -> Result<(), CommandError> {
    Inspected::new(inspect_folder(folder)?, None).print(format)
}

fn inspect_folder(folder: &Path) -> Result<Inspection, CommandError> {
    datasets::inspect_folder(folder).map_err(|error| CommandError::Input(error.to_string()))
}

/// The data sets that a sweep file makes itself.
fn synthetic(path: &Path) -> Result<Vec<Dataset>, CommandError> {
    let file = SweepFile::read(path, sweeps::Limits::default().max_jobs)?;
    let sources = file.spec.datasets.iter();
    let made = sources.filter_map(|source| match source {
        DatasetSource::Synthetic(synthetic) => Some(datasets::synthesize(synthetic)),
        DatasetSource::Named(_) | DatasetSource::Video(_) => None,
    });
    let made = made
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CommandError::Input(error.to_string()))?;
    if made.is_empty() {
        return Err(CommandError::Usage(format!(
            "{} makes no data set of its own\n\nhint: name the folder of the data set instead",
            path.display()
        )));
    }
    Ok(made)
}

/// What is printed of a data set.
#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    inspection: Inspection,
    #[serde(skip_serializing_if = "Option::is_none")]
    regime: Option<Regime>,
}

/// The card with what it means.
#[derive(Serialize)]
struct Regime {
    #[serde(flatten)]
    card: DataCard,
    warnings: Vec<String>,
    expectation: String,
}

impl Inspected {
    fn new(inspection: Inspection, card: Option<DataCard>) -> Self {
        let regime = card.map(|card| Regime {
            warnings: card.warnings().iter().map(ToString::to_string).collect(),
            expectation: card.expectation().to_string(),
            card,
        });
        Self { inspection, regime }
    }

    fn print(&self, format: Format) -> Result<(), CommandError> {
        match format {
            Format::Json => output::json(self),
            Format::Text => {
                output::prose(self.inspection.to_string().trim_end())?;
                match &self.regime {
                    Some(regime) => output::prose(regime.card.to_string().trim_end()),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(feature = "train")]
fn card(dataset: &Dataset, arguments: &Inspect) -> Result<DataCard, CommandError> {
    let device = gcl::open_device("cpu", arguments.threads)?;
    let prepared = gcl::Prepared::new(dataset, arguments.feature_scaling)
        .map_err(|error| CommandError::Input(proto::error_chain(&error)))?;
    gcl::data_card(&prepared, &device, &gcl::StopFlag::new())
        .map_err(|error| CommandError::Input(format!("{}: {error}", dataset.metadata.name)))
}

/// A control plane computes nothing.
#[cfg(not(feature = "train"))]
fn card(_: &Dataset, _: &Inspect) -> Result<DataCard, CommandError> {
    Err(CommandError::Usage(
        "--regime computes with the trainer, and this build has none (it was made without the feature `train`)".into(),
    ))
}
