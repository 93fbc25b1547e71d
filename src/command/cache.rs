//! `gcl-sweep cache`: what a user's runs keep for each other, and an end of it.

use std::path::{Path, PathBuf};

use crate::arguments::{CacheAction, CacheCommand, CachePlace, Format, home_path};
use crate::error::CommandError;
use crate::output::{self, counted, size};
use crate::result_cache::{Contents, ResultCache};

/// What turns the cache off in place of a folder.
const OFF: &str = "off";

/// Shows or empties the cache.
pub fn cache(arguments: &CacheCommand, format: Format) -> Result<(), CommandError> {
    let Some(folder) = folder(&arguments.place)? else {
        return Err(CommandError::Usage(
            "the cache is off (GCL_CACHE=off, or --cache off): --cache DIR names its folder".into(),
        ));
    };
    let cache = ResultCache::find(&folder, most_bytes(&arguments.place)).map_err(unusable)?;
    match arguments.action.unwrap_or(CacheAction::Show) {
        CacheAction::Show => show(&folder, cache.as_ref(), &arguments.place, format),
        CacheAction::Clear => {
            let gone = cache.map_or_else(|| Ok(Contents::default()), |cache| cache.clear());
            let gone = gone.map_err(unusable)?;
            match format {
                Format::Json => output::json(&serde_json::json!({
                    "folder": folder, "removed": gone.results, "bytes": gone.bytes, "other_files": gone.foreign,
                })),
                Format::Text => output::prose(&format!(
                    "{}: {} removed, {}{}",
                    folder.display(),
                    counted(gone.results, "result"),
                    size(gone.bytes),
                    others(gone.foreign)
                )),
            }
        }
    }
}

fn show(
    folder: &Path,
    cache: Option<&ResultCache>,
    place: &CachePlace,
    format: Format,
) -> Result<(), CommandError> {
    let contents = cache.map_or_else(|| Ok(Contents::default()), ResultCache::contents);
    let contents = contents.map_err(unusable)?;
    let most = most_bytes(place);
    match format {
        Format::Json => output::json(&serde_json::json!({
            "folder": folder, "results": contents.results, "bytes": contents.bytes, "most_bytes": most,
            "other_files": contents.foreign,
        })),
        Format::Text => output::prose(&format!(
            "{}: {}, {} of at most {} (--cache-gib, GCL_CACHE_GIB){}",
            folder.display(),
            counted(contents.results, "finished result"),
            size(contents.bytes),
            size(most),
            others(contents.foreign)
        )),
    }
}

fn others(foreign: usize) -> String {
    if foreign == 0 {
        return String::new();
    }
    format!(
        "; {} there that are no results",
        counted(foreign, "other file")
    )
}

fn unusable(why: String) -> CommandError {
    CommandError::Store(why)
}

/// The folder of the cache; `None`: it is off.
///
/// # Errors
/// Nobody knows where this user is at home.
pub fn folder(place: &CachePlace) -> Result<Option<PathBuf>, CommandError> {
    match &place.folder {
        Some(folder) if folder.as_os_str() == OFF => Ok(None),
        Some(folder) => Ok(Some(folder.clone())),
        None => {
            // A relative one is to be ignored, says the standard.
            let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let above = match given.filter(|folder| folder.is_absolute()) {
                Some(above) => above,
                None => home_path("~/.cache".as_ref()).map_err(CommandError::Usage)?,
            };
            Ok(Some(above.join("gcl-sweep")))
        }
    }
}

/// Bytes that it may have.
pub fn most_bytes(place: &CachePlace) -> u64 {
    (place.gib * f64::from(1 << 30)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: Option<&str>) -> CachePlace {
        CachePlace {
            folder: folder.map(PathBuf::from),
            gib: 0.5,
        }
    }

    #[test]
    fn off_is_no_folder_and_a_folder_of_that_name_has_a_path() {
        assert_eq!(folder(&place(Some("off"))).unwrap(), None);
        assert_eq!(
            folder(&place(Some("./off"))).unwrap(),
            Some(PathBuf::from("./off"))
        );
        assert_eq!(most_bytes(&place(None)), 512 << 20);
    }
}
