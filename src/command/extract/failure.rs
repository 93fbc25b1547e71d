//! What an error of the extractor means at the command line.

use extract::ExtractError;
use proto::error_chain;

use crate::error::CommandError;

/// What an error of the extractor means at the command line.
pub(super) fn failed(error: &ExtractError) -> CommandError {
    match error {
        ExtractError::Stopped => {
            CommandError::Interrupted("stopped: the same command goes on from here".into())
        }
        other => CommandError::Input(error_chain(other)),
    }
}
