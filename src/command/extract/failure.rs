//! What an error of the extractor means at the command line.

use extract::ExtractError;
use proto::error_chain;

use crate::error::CommandError;

/// What an error of the extractor means at the command line. A GPU that cannot be used is a case of its own; else what was asked for is at fault.
pub(in crate::command) fn failed(error: &ExtractError) -> CommandError {
    match error {
        ExtractError::Stopped => {
            CommandError::Interrupted("stopped: the same command goes on from here".into())
        }
        ExtractError::Device(_) | ExtractError::OutOfMemory(_) => {
            CommandError::Device(error_chain(error))
        }
        ExtractError::Host(_) => CommandError::Other(error_chain(error)),
        other => CommandError::Input(error_chain(other)),
    }
}
