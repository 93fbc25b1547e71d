//! How a worker process learns that the process which started it wants it to stop, or is gone.
//!
//! The starter holds the other end of the worker's standard input. It writes [`STOP`] to ask for a gentle stop; an end of the
//! input without that word means that the starter died, however it died. The worker of a dead starter has nobody to work for, and
//! holds folders and a device that the next one needs: it leaves at once.

use std::io::Read;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio_util::sync::CancellationToken;

use crate::exit_code;
use crate::output::say;

/// The word that asks a worker to stop at its next batch boundary.
const STOP: &[u8] = b"stop\n";

/// What a worker whose starter died may take: a batch, its checkpoint, a record's way to the spool folder.
const LAST_MOMENT: Duration = Duration::from_millis(300);

/// How standard input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// The starter asked for a stop.
    Stop,
    /// The starter is gone.
    Nothing,
}

/// Asks the worker at the other end to stop gently. That it is gone already is no fault.
pub async fn ask_to_stop(input: Option<ChildStdin>) {
    if let Some(mut input) = input {
        let _ = input.write_all(STOP).await;
        let _ = input.shutdown().await;
    }
}

/// Cancels `shutdown` when the starter asks for a stop, and ends this process when the starter is gone.
pub fn hold_on_to(shutdown: CancellationToken) {
    std::thread::spawn(move || {
        let said = listen(std::io::stdin().lock());
        shutdown.cancel();
        if said == Said::Nothing {
            say("the process that started this worker is gone: leaving at once");
            std::thread::sleep(LAST_MOMENT);
            #[expect(clippy::exit, reason = "nobody is left who waits for a better end")]
            std::process::exit(i32::from(exit_code::UNREACHABLE));
        }
    });
}

/// Waits for the word or for the end.
fn listen(mut input: impl Read) -> Said {
    let mut heard = Vec::with_capacity(STOP.len());
    let mut buffer = [0; 64];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Said::Nothing,
            Ok(count) => {
                heard.extend_from_slice(&buffer[..count]);
                if heard.windows(STOP.len()).any(|part| part == STOP) {
                    return Said::Stop;
                }
                let rest = heard.len().saturating_sub(STOP.len());
                heard.drain(..rest);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Said::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its parts one at a time.
    struct Parts(Vec<&'static [u8]>);

    impl Read for Parts {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let part = self.0.remove(0);
            buffer[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    #[test]
    fn a_starter_that_asks_is_told_from_one_that_died() {
        assert_eq!(listen(Parts(vec![b"stop\n"])), Said::Stop);
        assert_eq!(listen(Parts(vec![b"noise ", b"st", b"op\n"])), Said::Stop);
        assert_eq!(listen(Parts(vec![])), Said::Nothing);
        assert_eq!(listen(Parts(vec![b"sto"])), Said::Nothing);
    }
}
