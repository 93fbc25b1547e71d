//! Data sets whose files go into the box.

use std::path::Path;

use publication::{Manifest, layout};

use super::evidence::Gathered;
use crate::arguments::Publish;
use crate::command::published::{put, walk};
use crate::data_folders::Folders;
use crate::error::CommandError;

/// A larger data set is published by those whose it is.
const MOST_BYTES: u64 = 64 << 20;

/// Copies the files of the data sets that are to be in the box.
pub fn include(
    arguments: &Publish,
    folders: &Folders,
    gathered: &Gathered,
    manifest: &Manifest,
    out: &Path,
) -> Result<(), CommandError> {
    for name in &arguments.include_data {
        let usage = |what: String| CommandError::Usage(format!("--include-data {name}: {what}"));
        let position = gathered
            .datasets
            .iter()
            .position(|facts| facts.name == *name)
            .ok_or_else(|| usage("no sweep of the box has that data set".into()))?;
        let folder = folders
            .0
            .get(name)
            .ok_or_else(|| usage(format!("give its folder too: --data {name}=DIR")))?;
        let digest = gathered.here.get(name).map(|dataset| dataset.digest);
        if digest != gathered.datasets[position].digest {
            return Err(CommandError::Input(format!(
                "{} is not the data set that the jobs read: its digest is another one",
                folder.display()
            )));
        }
        let mut files =
            walk(folder, "").map_err(|error| CommandError::io("read", folder, &error))?;
        // What this program keeps beside a data set is of this machine.
        files.retain(|(path, _)| !path.split('/').any(|part| part.starts_with('.')));
        let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
        if bytes > MOST_BYTES {
            return Err(usage(format!(
                "it has {}, a box takes {} of a data set; leave it out, and verifiers give their own copy by --data",
                publication::content::size(bytes),
                publication::content::size(MOST_BYTES)
            )));
        }
        let below = layout::dataset_folder(&manifest.datasets[position].files);
        for (path, _) in files {
            let at = folder.join(&path);
            let bytes =
                std::fs::read(&at).map_err(|error| CommandError::io("read", &at, &error))?;
            put(out, &format!("{below}/{path}"), &bytes)?;
        }
    }
    Ok(())
}
