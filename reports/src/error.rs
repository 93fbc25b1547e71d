//! What can go wrong while a report is made.

use std::path::{Path, PathBuf};

/// What can go wrong while a report is made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder could not be written.
    #[error("failed to write `{}`: check that the folder exists, is yours and has room", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A CSV file is not one of ours.
    #[error("`{}`{}: {message}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1 with the header as line 1.
        line: Option<u64>,
        /// What is wrong with it and what is expected.
        message: String,
    },
    /// Results of another program cannot be read for what they are.
    #[error("`{}`: {message}", path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// A file of a study is not what it should be.
    #[error("`{}`: {message}", path.display())]
    Study {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// A figure could not be turned into pixels.
    #[error("failed to draw `{figure}` as PNG: {message}")]
    Png {
        /// The figure's name.
        figure: String,
        /// What the renderer said.
        message: String,
    },
    /// A table could not be written as Parquet.
    #[error("failed to write Parquet: {message}; the same table as CSV has everything")]
    Parquet {
        /// What the writer said.
        message: String,
    },
    /// A figure that this sweep does not have was asked for.
    #[error("these results have no figure `{name}`{needs}; they have: {known}")]
    UnknownFigure {
        /// What was asked for.
        name: String,
        /// `, which needs …`, of a figure that other results have; else empty.
        needs: String,
        /// What there is.
        known: String,
    },
    /// There is nothing to report.
    #[error("no sweep was given: a report needs the results of at least one")]
    Empty,
}

impl ReportError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }
}
