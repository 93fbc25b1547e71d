//! Lines of a log that somebody else can cause.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// At most one line a second, with the number of those that were left out: a flood of refusals does not fill a disk.
#[derive(Debug)]
pub(super) struct LogRateLimit {
    origin: Instant,
    next_ms: AtomicU64,
    left_out: AtomicU64,
}

impl LogRateLimit {
    const PAUSE_MS: u64 = 1000;

    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            next_ms: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether a line may be written now, and how many were left out before it.
    pub(super) fn allows(&self) -> Option<u64> {
        let now = self.origin.elapsed().as_millis() as u64;
        let next = self.next_ms.load(Ordering::Relaxed);
        let won = now >= next
            && self
                .next_ms
                .compare_exchange(
                    next,
                    now + Self::PAUSE_MS,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if won {
            Some(self.left_out.swap(0, Ordering::Relaxed))
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_flood_writes_one_line_a_second() {
        let log = LogRateLimit::new();
        assert_eq!(log.allows(), Some(0));
        for _ in 0..1000 {
            assert_eq!(log.allows(), None);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(log.allows(), Some(1000));
        assert_eq!(log.allows(), None);
    }
}
