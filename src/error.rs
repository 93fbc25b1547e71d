//! What a command tells the person who typed it: what failed, what to do, and an exit code for scripts.

use std::fmt;

use proto::error_chain;

use crate::exit_code;

/// The end of a command that did not do what was asked. A variant exists for each exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The sweep file has faults.
    #[error("{0}")]
    Sweep(Box<sweeps::Faults>),
    /// A data set or sweep is not usable.
    #[error("{0}")]
    Input(String),
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
    /// All jobs are settled, and some failed.
    #[error("{0}")]
    JobsFailed(String),
    /// The coordinator does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The state folder cannot be used.
    #[error("{0}")]
    Store(String),
    /// Another process has the state folder.
    #[error("{0}")]
    InUse(String),
    /// A running coordinator broke down.
    #[error("{0}")]
    Broken(String),
    /// A trace is not matched.
    #[error("{0}")]
    #[cfg_attr(
        not(feature = "train"),
        expect(dead_code, reason = "a control plane replays no traces")
    )]
    Deviates(String),
    /// A worker's device cannot be used.
    #[error("{0}")]
    #[cfg_attr(
        not(feature = "train"),
        expect(dead_code, reason = "a control plane has no workers")
    )]
    Device(String),
    /// The workers of this host ended, the first that failed with this code.
    #[error("{message}")]
    Worker {
        /// What to say.
        message: String,
        /// Its exit code.
        code: u8,
    },
    /// A box is not what it says.
    #[error("{0}")]
    BoxDiffers(String),
    /// A box could not be checked wholly.
    #[error("{0}")]
    BoxIncomplete(String),
    /// Nobody reads stdout on: `| head` has what it wanted. A quiet end.
    #[error("standard output is closed")]
    PipeClosed,
    /// Ctrl-C.
    #[error("{0}")]
    Interrupted(String),
    /// Anything else: a full disk, a folder without permission.
    #[error("{0}")]
    Other(String),
}

impl CommandError {
    /// The exit code that says what kind of end it was.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Sweep(_) | Self::Input(_) => exit_code::INVALID_INPUT,
            Self::Usage(_) => exit_code::USAGE,
            Self::JobsFailed(_) => exit_code::JOBS_FAILED,
            Self::Unreachable(_) => exit_code::UNREACHABLE,
            Self::Store(_) | Self::InUse(_) => exit_code::STORE_UNUSABLE,
            Self::Broken(_) => exit_code::COORDINATOR_BROKE,
            Self::Deviates(_) => exit_code::SELFTEST_DEVIATES,
            Self::Device(_) => exit_code::DEVICE_UNUSABLE,
            Self::Worker { code, .. } => *code,
            Self::BoxDiffers(_) => exit_code::BOX_DIFFERS,
            Self::BoxIncomplete(_) => exit_code::BOX_INCOMPLETE,
            Self::PipeClosed => exit_code::OK,
            Self::Interrupted(_) => exit_code::INTERRUPTED,
            Self::Other(_) => exit_code::UNEXPECTED,
        }
    }

    /// An error of the operating system, with what was being done to which path.
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Other(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// A failed write to standard output.
    pub fn stdout(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::PipeClosed;
        }
        Self::Other(format!("cannot write to stdout: {error}"))
    }

    /// Any other error with all its causes, each once.
    pub fn other(error: &dyn std::error::Error) -> Self {
        Self::Other(error_chain(error))
    }
}

/// A misspelt name is the command line's fault, not the device's.
#[cfg(feature = "train")]
impl From<gcl::DeviceError> for CommandError {
    fn from(error: gcl::DeviceError) -> Self {
        match error {
            gcl::DeviceError::NoSuchName(message) => Self::Usage(message),
            gcl::DeviceError::Unusable(message) => Self::Device(message),
        }
    }
}

impl From<sweeps::Faults> for CommandError {
    fn from(faults: sweeps::Faults) -> Self {
        Self::Sweep(Box::new(faults))
    }
}

/// Shows an error on stderr: a sweep's faults as they are, anything else behind `error:`.
pub fn show(error: &CommandError, colour: bool) -> String {
    struct Styled<'a>(&'a CommandError, bool);
    impl fmt::Display for Styled<'_> {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                CommandError::Sweep(faults) if self.1 => faults.styled().fmt(formatter),
                CommandError::Sweep(faults) => faults.fmt(formatter),
                other => write!(formatter, "error: {other}"),
            }
        }
    }
    Styled(error, colour).to_string()
}
