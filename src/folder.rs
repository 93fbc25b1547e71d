//! A folder that results go into: whether there can be one is found out before the work.

use std::io;
use std::path::Path;

use crate::error::CommandError;

/// Makes the folder where it is not there, also the one that a link leads to, and tries whether it can be written to.
pub fn make(folder: &Path) -> Result<(), CommandError> {
    let failed = |error: io::Error| said(folder, &error);
    let place = durable::behind_links(folder).map_err(failed)?;
    std::fs::create_dir_all(&place).map_err(failed)?;
    let trial = place.join(format!(".gcl-sweep-{}.part", durable::word()));
    let tried = std::fs::File::create_new(&trial).and_then(|_| std::fs::remove_file(&trial));
    tried.map_err(failed)
}

fn said(folder: &Path, error: &io::Error) -> CommandError {
    let shown = folder.display();
    let what = match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            format!(
                "{shown} cannot be a folder, since it or what is above it is a file: give --out another name"
            )
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!(
                "nothing can be written into {shown}: {error}; give --out a folder that is yours"
            )
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!(
                "there is no room for {shown}: {error}; make room, or give --out a folder on another disk"
            )
        }
        _ => format!("cannot make the folder {shown}: {error}"),
    };
    CommandError::Other(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_also_behind_a_link_and_a_file_is_none() {
        let above = tempfile::tempdir().unwrap();
        let at = |name: &str| above.path().join(name);
        make(&at("a/b")).unwrap();
        std::os::unix::fs::symlink("later/deep", at("link")).unwrap();
        make(&at("link")).unwrap();
        assert!(at("later/deep").is_dir());
        assert_eq!(std::fs::read_dir(at("link")).unwrap().count(), 0);
        std::fs::write(at("file"), b"").unwrap();
        for wrong in ["file", "file/below"] {
            let error = make(&at(wrong)).unwrap_err().to_string();
            assert!(error.contains("is a file"), "{error}");
        }
    }
}
