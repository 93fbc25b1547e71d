//! One connection of the side port, as those see it who answer on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::strangers::Peer;

/// A connection may last that long altogether, unless it has a stream of the live page: whoever asks again connects again.
const LONGEST: Duration = Duration::from_mins(1);
/// What is left of a stream that ended may take that long.
const LAST_BYTES: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Connection {
    peer: Peer,
    has_stream: AtomicBool,
    cut: CancellationToken,
}

impl Connection {
    pub(super) fn new(peer: Peer) -> Self {
        Self {
            peer,
            has_stream: AtomicBool::new(false),
            cut: CancellationToken::new(),
        }
    }

    /// Somebody who may look has a stream on it: it may last, and makes room for no other.
    pub(super) fn begin_stream(&self) {
        self.has_stream.store(true, Ordering::Relaxed);
        self.peer.introduce();
    }

    /// The stream has ended. A peer that does not take its last bytes is not waited for.
    pub(super) fn end_stream(&self) {
        let cut = self.cut.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAST_BYTES).await;
            cut.cancel();
        });
    }

    pub(super) fn has_stream(&self) -> bool {
        self.has_stream.load(Ordering::Relaxed)
    }

    /// Waits until it lasted as long as it may, or has to make room.
    pub(super) async fn over(&self) {
        let outlived = async {
            tokio::time::sleep(LONGEST).await;
            if self.has_stream() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = outlived => {}
            () = self.cut.cancelled() => {}
            () = self.peer.crowded_out().cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::strangers::Strangers;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_lasts_and_its_end_is_the_connections() {
        let strangers = Strangers::new(1, 1);
        let plain = Connection::new(strangers.enter(None).0);
        let begin = tokio::time::Instant::now();
        plain.over().await;
        assert_eq!(begin.elapsed(), LONGEST);

        let streaming = Connection::new(strangers.enter(None).0);
        streaming.begin_stream();
        // A crowd closes strangers, not those that are let in.
        let stranger = Connection::new(strangers.enter(None).0);
        let _next = strangers.enter(None);
        stranger.over().await;
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, streaming.over()).await.is_err());
        streaming.end_stream();
        let ended = tokio::time::timeout(2 * LAST_BYTES, streaming.over()).await;
        assert!(ended.is_ok());
    }
}
