//! Signals: the first asks for a clean stop, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit_code;
use crate::output::say;

/// A token that SIGINT and SIGTERM cancel. A second signal exits: whoever sends it does not want to wait.
pub fn token() -> Result<CancellationToken, std::io::Error> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let watched = token.clone();
    tokio::spawn(async move {
        for stop in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop {
                say("second signal: leaving at once");
                #[expect(clippy::exit, reason = "the point of a second signal")]
                std::process::exit(i32::from(exit_code::INTERRUPTED));
            }
            watched.cancel();
        }
    });
    Ok(token)
}
