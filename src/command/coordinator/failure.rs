//! What it means for the command line that an engine did not start, or ended.

use coordinator::EngineError;
use coordinator::state::{JournalError, LockError};
use nix::errno::Errno;
use proto::error_chain;

use crate::error::CommandError;

/// What it means for the command line that an engine did not start, or ended.
pub(in crate::command) fn failed(error: &EngineError) -> CommandError {
    match error {
        // A panic, or a folder that may come back: reasons to start again.
        EngineError::Task(_) | EngineError::Lock(LockError::Gone(_)) => {
            CommandError::Broken(error_chain(error))
        }
        EngineError::Journal(JournalError::Io { source, .. })
        | EngineError::Lock(LockError::Io { source, .. })
            if may_pass(source) =>
        {
            CommandError::Broken(error_chain(error))
        }
        EngineError::Lock(LockError::InUse(_)) => CommandError::InUse(error_chain(error)),
        _ => CommandError::Store(error_chain(error)),
    }
}

/// Whether that may be over by itself: a disk that is full or does not answer, too many open files. A state folder that is
/// damaged or another's stays so until somebody comes.
fn may_pass(error: &std::io::Error) -> bool {
    let passing = [Errno::EIO, Errno::EMFILE, Errno::ENFILE];
    let raw = error.raw_os_error().map(Errno::from_raw);
    raw.is_some_and(|raw| passing.contains(&raw))
        || matches!(
            error.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code;

    #[test]
    fn what_may_pass_is_a_reason_to_start_again() {
        let code = |raw: Errno| {
            let error = JournalError::Io {
                doing: "make the folder",
                path: "state".into(),
                source: std::io::Error::from_raw_os_error(raw as i32),
            };
            failed(&error.into()).exit_code()
        };
        for passing in [
            Errno::ENOSPC,
            Errno::EDQUOT,
            Errno::EIO,
            Errno::EMFILE,
            Errno::ENFILE,
        ] {
            assert_eq!(code(passing), exit_code::COORDINATOR_BROKE, "{passing}");
        }
        for lasting in [Errno::EACCES, Errno::ENOTDIR, Errno::EROFS] {
            assert_ne!(code(lasting), exit_code::COORDINATOR_BROKE, "{lasting}");
        }
    }
}
