//! `gcl-sweep data`: inspect, synth, import, pack.

use datasets::import;
use sweeps::Synthetic;

use crate::arguments::{Data, Format, Import, ImportFrom, ImportUpCam, Synth};
use crate::command::inspect::{self, show};
use crate::error::CommandError;
use crate::output;

/// Does what `data` was asked.
pub fn data(arguments: &Data, format: Format) -> Result<(), CommandError> {
    match arguments {
        Data::Inspect(arguments) => inspect::inspect(arguments, format),
        Data::Synth(arguments) => synth(arguments, format),
        Data::Import(Import::UcfCrime(from)) => imported(import::ucf_crime(&request(from)), format),
        Data::Import(Import::ShanghaiTech(from)) => {
            imported(import::shanghaitech(&request(from)), format)
        }
        Data::Import(Import::XdViolence(from)) => {
            imported(import::xd_violence(&request(from)), format)
        }
        Data::Import(Import::UpCam(from)) => imported(import::upcam(&of_upcam(from)), format),
        Data::Pack { folder, out } => {
            datasets::pack(folder, out).map_err(|error| match error {
                datasets::PackError::Dataset(_) => CommandError::Input(error.to_string()),
                _ => CommandError::Other(error.to_string()),
            })?;
            output::say(&format!(
                "packed {} into {}",
                folder.display(),
                out.display()
            ));
            show(out, format)
        }
    }
}

fn request(from: &ImportFrom) -> import::Request {
    import::Request {
        features: from.features.clone(),
        train: from.train.clone(),
        test: from.test.clone(),
        annotations: from.annotations.clone(),
        frame_counts: from.frame_counts.clone(),
        out: from.out.clone(),
        name: from.name.clone(),
        extractor: from.extractor.clone(),
        frames_per_segment: from.frames_per_segment,
        skip_missing: from.skip_missing,
        extra_rows: from.extra_rows,
        link: from.link,
    }
}

fn of_upcam(from: &ImportUpCam) -> import::Request {
    import::Request {
        features: from.features.clone(),
        annotations: from.annotations.clone(),
        out: from.out.clone(),
        name: from.name.clone(),
        extractor: from.extractor.clone(),
        frames_per_segment: from.frames_per_segment,
        link: from.link,
        ..import::Request::default()
    }
}

fn imported(
    outcome: Result<import::ImportReport, import::ImportError>,
    format: Format,
) -> Result<(), CommandError> {
    let report = outcome.map_err(|error| match error {
        import::ImportError::Faults(_) => CommandError::Input(error.to_string()),
        import::ImportError::Write(_) => CommandError::Other(error.to_string()),
    })?;
    match format {
        Format::Json => output::json(&report),
        Format::Text => output::prose(report.to_string().trim_end()),
    }
}

fn synth(arguments: &Synth, format: Format) -> Result<(), CommandError> {
    let settings = Synthetic {
        videos: arguments.videos,
        mean_length: arguments.mean_length,
        dimension: arguments.dimension,
        seed: arguments.seed,
        regime: arguments.world().map_err(CommandError::Usage)?,
    };
    let dataset =
        datasets::synthesize(&settings).map_err(|error| CommandError::Input(error.to_string()))?;
    datasets::write(&dataset, &arguments.folder)
        .map_err(|error| CommandError::Other(error.to_string()))?;
    output::say(&format!(
        "wrote synthetic data into {}",
        arguments.folder.display()
    ));
    show(&arguments.folder, format)
}
