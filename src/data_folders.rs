//! Where named data sets are on this machine: `--data NAME=DIR` and `GCL_DATA`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::arguments::DataFolders;
use crate::error::CommandError;

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
        for entry in given.data_list.split(':').filter(|entry| !entry.is_empty()) {
            match entry.split_once('=') {
                Some((name, folder)) => {
                    folders.0.insert(name.to_owned(), PathBuf::from(folder));
                }
                None => folders.0.extend(sets_below(Path::new(entry))?),
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
        let folders = Folders::resolve(&given(&[("a", "/x")], "a=/y:b=/z")).unwrap();
        assert_eq!(
            folders.0,
            [("a".into(), "/x".into()), ("b".into(), "/z".into())].into()
        );
    }

    #[test]
    fn two_folders_of_one_name_are_a_mistake() {
        assert!(Folders::resolve(&given(&[("a", "/x"), ("a", "/y")], "")).is_err());
        assert!(Folders::resolve(&given(&[("a", "/x"), ("a", "/x")], "")).is_ok());
    }
}
