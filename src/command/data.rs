//! `gcl-sweep data`: inspect, synth.

use sweeps::Synthetic;

use crate::arguments::{Data, Format, Synth};
use crate::error::CommandError;
use crate::output;

/// Does what `data` was asked.
pub fn data(arguments: &Data, format: Format) -> Result<(), CommandError> {
    match arguments {
        Data::Inspect { folder } => {
            let dataset =
                datasets::open(folder).map_err(|error| CommandError::Input(error.to_string()))?;
            show(&dataset, format)
        }
        Data::Synth(arguments) => synth(arguments, format),
    }
}

fn synth(arguments: &Synth, format: Format) -> Result<(), CommandError> {
    let settings = Synthetic {
        videos: arguments.videos,
        mean_length: arguments.mean_length,
        dimension: arguments.dimension,
        seed: arguments.seed,
        regime: arguments.regime,
    };
    let dataset =
        datasets::synthesize(&settings).map_err(|error| CommandError::Input(error.to_string()))?;
    datasets::write(&dataset, &arguments.folder)
        .map_err(|error| CommandError::Other(error.to_string()))?;
    output::say(&format!(
        "wrote synthetic data into {}",
        arguments.folder.display()
    ));
    let written = datasets::open(&arguments.folder)
        .map_err(|error| CommandError::Input(error.to_string()))?;
    show(&written, format)
}

fn show(dataset: &datasets::Dataset, format: Format) -> Result<(), CommandError> {
    let inspection = datasets::inspect(dataset);
    match format {
        Format::Json => output::json(&inspection),
        Format::Text => output::print(inspection.to_string().trim_end()),
    }
}
