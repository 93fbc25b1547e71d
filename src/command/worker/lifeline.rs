//! How a worker process learns that the process which started it wants it to stop, or is gone.
//!
//! The starter holds the other end of the worker's standard input for as long as the worker lives. It writes [`STOP`] to ask for a
//! gentle stop; the end of the input means that the starter died, however it died. The worker of a dead starter has nobody to work
//! for, and holds folders and a device that the next one needs: it leaves at once.

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
pub const LAST_MOMENT: Duration = Duration::from_millis(300);

/// Asks the worker at the other end to stop gently. That it is gone already is no fault. Hold `input` until its end.
pub async fn ask_to_stop(input: &mut ChildStdin) {
    let _ = input.write_all(STOP).await;
    let _ = input.flush().await;
}

/// Cancels `shutdown` when the starter asks for a stop, and ends this process when the starter is gone.
pub fn hold_on_to(shutdown: CancellationToken, last_moment: Duration) {
    std::thread::spawn(move || {
        listen(std::io::stdin().lock(), || shutdown.cancel());
        say("the process that started this worker is gone: leaving at once");
        if !last_moment.is_zero() {
            shutdown.cancel();
            std::thread::sleep(last_moment);
        }
        #[expect(clippy::exit, reason = "nobody is left who waits for a better end")]
        std::process::exit(i32::from(exit_code::UNREACHABLE));
    });
}

/// Waits for the end of the input; calls `stop` at the word.
fn listen(mut input: impl Read, mut stop: impl FnMut()) {
    let mut heard = Vec::with_capacity(STOP.len());
    let mut buffer = [0; 64];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                heard.extend_from_slice(&buffer[..count]);
                if heard.windows(STOP.len()).any(|part| part == STOP) {
                    heard.clear();
                    stop();
                }
                let rest = heard.len().saturating_sub(STOP.len());
                heard.drain(..rest);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
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

    fn stops(parts: Vec<&'static [u8]>) -> u32 {
        let mut stops = 0;
        listen(Parts(parts), || stops += 1);
        stops
    }

    #[test]
    fn a_starter_that_asks_is_told_from_one_that_died() {
        assert_eq!(stops(vec![b"stop\n"]), 1);
        assert_eq!(stops(vec![b"noise ", b"st", b"op\n"]), 1);
        assert_eq!(stops(vec![]), 0);
        assert_eq!(stops(vec![b"sto"]), 0);
    }
}
