//! Where named data sets are on this machine: `--data NAME=DIR` and `GCL_DATA`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::arguments::{DataFolders, home_path};
use crate::error::CommandError;
use crate::output::say;

/// Folders by the names that sweep files use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders(pub BTreeMap<String, PathBuf>);

impl Folders {
    /// Reads the flags over the list of the environment; a flag wins over the list.
    ///
    /// # Errors
    /// A name that is given twice with different folders.
    pub fn resolve(given: &DataFolders) -> Result<Self, CommandError> {
        let mut folders = Self::default();
        for entry in given.data_list.split(':').map(str::trim) {
            if entry.is_empty() {
                continue;
            }
            let (name, folder) = match entry.split_once('=') {
                Some((name, folder)) => (Some(name.trim()), folder.trim()),
                None => (None, entry),
            };
            let folder = home_path(folder.as_ref()).map_err(CommandError::Usage)?;
            // One list serves many hosts, and not each of them has every folder.
            if let Err(error) = std::fs::read_dir(&folder) {
                say(&format!(
                    "note: GCL_DATA names {}, which this host does not have: {error}",
                    folder.display()
                ));
                continue;
            }
            match name {
                Some(name) => {
                    folders.0.insert(name.to_owned(), folder);
                }
                None => folders.0.extend(sets_below(&folder)?),
            }
        }
        let mut named: BTreeMap<&str, &Path> = BTreeMap::new();
        for (name, folder) in &given.data {
            if named
                .insert(name, folder)
                .is_some_and(|other| other != folder)
            {
                return Err(CommandError::Usage(format!(
                    "--data names two folders for `{name}`: give one"
                )));
            }
            folders.0.insert(name.clone(), folder.clone());
        }
        Ok(folders)
    }

    /// As arguments for a worker process of this machine.
    pub fn as_arguments(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(name, folder)| {
            ["--data".to_owned(), format!("{name}={}", folder.display())]
        })
    }
}

/// The data sets among a folder's subfolders, by the names in their `dataset.toml`'s folder.
fn sets_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>, CommandError> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| CommandError::io("read the folder of GCL_DATA,", folder, &error))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("dataset.toml").is_file())
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path.clone())))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(data: &[(&str, &str)], list: &str) -> DataFolders {
        DataFolders {
            data: data
                .iter()
                .map(|(name, folder)| ((*name).to_owned(), PathBuf::from(folder)))
                .collect(),
            data_list: list.to_owned(),
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name).display().to_string();
        for name in ["y", "z"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let list = format!("a={}:b={}", at("y"), at("z"));
        let folders = Folders::resolve(&given(&[("a", "/x")], &list)).unwrap();
        assert_eq!(
            folders.0,
            [("a".into(), "/x".into()), ("b".into(), at("z").into())].into()
        );
    }

    #[test]
    fn a_folder_that_this_host_lacks_is_passed_over() {
        let place = tempfile::tempdir().unwrap();
        for name in ["sets/u", "sets/lost+found"] {
            std::fs::create_dir_all(place.path().join(name)).unwrap();
        }
        std::fs::write(place.path().join("sets/u/dataset.toml"), "").unwrap();
        let sets = place.path().join("sets");
        let list = format!("/nowhere/of/all: b=/nor/here :{}::", sets.display());
        let folders = Folders::resolve(&given(&[], &list)).unwrap();
        assert_eq!(folders.0, [("u".to_owned(), sets.join("u"))].into());
    }

    #[test]
    fn two_folders_of_one_name_are_a_mistake() {
        assert!(Folders::resolve(&given(&[("a", "/x"), ("a", "/y")], "")).is_err());
        assert!(Folders::resolve(&given(&[("a", "/x"), ("a", "/x")], "")).is_ok());
    }
}
