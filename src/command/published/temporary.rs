//! A folder that goes when its owner does.

use std::path::PathBuf;

/// The folder; removed with all that is in it when this is dropped.
pub struct Temporary(pub PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
