//! Signals: the first asks for a clean stop, a later one ends the process at once.
//!
//! SIGINT, SIGTERM and SIGHUP ask for the same. `timeout` and terminals signal a process and then its whole group, so
//! signals that follow the first within [`SAME_WISH`] repeat it.
//!
//! SIGUSR1 and SIGUSR2 are what batch systems send ahead of the end (`--signal=USR2@120`, a preemption): they ask for the stop
//! too, and the SIGTERM that follows is not a second wish.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::exit_code;
use crate::output::say;

/// Signals that come within this after the first are the first again.
pub const SAME_WISH: Duration = Duration::from_millis(500);

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Stop as soon as everything is in order.
    Stop,
    /// The first signal once more: nothing new.
    Repeated,
    /// Leave at once: whoever sends a second signal does not want to wait.
    Leave,
}

/// What a signal at `now` asks for when the first one came at `first`.
fn wish(first: Option<Instant>, now: Instant) -> Wish {
    match first {
        None => Wish::Stop,
        Some(first) if now.saturating_duration_since(first) <= SAME_WISH => Wish::Repeated,
        Some(_) => Wish::Leave,
    }
}

/// The signals that ask this process to end.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where SIGHUP was ignored when the process started, as `nohup` does.
    hangup: Option<Signal>,
    /// SIGUSR1 and SIGUSR2.
    announcements: [Signal; 2],
    first: Option<Instant>,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn listen() -> Result<Self, std::io::Error> {
        // Because a handler replaces "ignored", the question comes first.
        let hangup = if ignores_hangup() {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
            announcements: [
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
            ],
            first: None,
        })
    }

    /// The next thing that a signal asks for: [`Wish::Stop`], at once and where the end was announced also before, then
    /// [`Wish::Leave`]. Cancel safe.
    pub async fn next(&mut self) -> Wish {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            let [one, two] = &mut self.announcements;
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = hangup => {}
                _ = one.recv() => return Wish::Stop,
                _ = two.recv() => return Wish::Stop,
            }
            let now = Instant::now();
            let wish = wish(self.first, now);
            self.first.get_or_insert(now);
            if wish != Wish::Repeated {
                return wish;
            }
        }
    }
}

/// A token that the first signal cancels. A second one exits.
pub fn token() -> Result<CancellationToken, std::io::Error> {
    let token = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let watched = token.clone();
    tokio::spawn(async move {
        loop {
            if signals.next().await == Wish::Leave {
                say("second signal: leaving at once");
                #[expect(clippy::exit, reason = "the point of a second signal")]
                std::process::exit(i32::from(exit_code::INTERRUPTED));
            }
            watched.cancel();
        }
    });
    Ok(token)
}

/// Whether the process was started with SIGHUP ignored.
fn ignores_hangup() -> bool {
    if cfg!(target_os = "linux") {
        return std::fs::read_to_string("/proc/self/status")
            .is_ok_and(|status| ignores(&status, nix::sys::signal::Signal::SIGHUP as u32));
    }
    // Elsewhere only an unsafe call tells. `nohup` leads stderr away from the terminal, and without a terminal there is
    // none that could be closed.
    !std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// Whether that `/proc/PID/status` says that the signal is ignored.
fn ignores(status: &str, signal: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of the signals at these milliseconds asks for.
    async fn wishes<const N: usize>(at: [u64; N]) -> [Wish; N] {
        let start = Instant::now();
        let mut first = None;
        let mut heard = [Wish::Repeated; N];
        for (at, heard) in at.into_iter().zip(&mut heard) {
            tokio::time::sleep_until(start + Duration::from_millis(at)).await;
            let now = Instant::now();
            *heard = wish(first, now);
            first.get_or_insert(now);
        }
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn signals_within_half_a_second_are_one_wish() {
        use Wish::{Leave, Repeated, Stop};
        assert_eq!(wishes([7]).await, [Stop]);
        assert_eq!(wishes([7, 7, 8]).await, [Stop, Repeated, Repeated]);
        assert_eq!(wishes([0, 500, 501]).await, [Stop, Repeated, Leave]);
        assert_eq!(wishes([0, 60_000]).await, [Stop, Leave]);
        // Whoever drums on the keyboard gets what they want: the half second counts from the first signal.
        let drumming = wishes([0, 200, 400, 600]).await;
        assert_eq!(drumming, [Stop, Repeated, Repeated, Leave]);
    }

    #[test]
    fn an_ignored_signal_is_seen_in_the_status_of_the_process() {
        let status = |mask: &str| format!("Name:\tgcl-sweep\nSigBlk:\t0\nSigIgn:\t{mask}\n");
        assert!(ignores(&status("0000000000000001"), 1));
        assert!(ignores(&status("0000000000001001"), 1));
        assert!(ignores(&status("0000000000001000"), 13));
        assert!(!ignores(&status("0000000000001000"), 1));
        assert!(!ignores(&status("nonsense"), 1));
        assert!(!ignores("", 1));
    }
}
