//! A connection whose peer must go on speaking.
//!
//! A peer must begin to speak HTTP/2 (or TLS) at once, make an authorised call soon, and be heard from time to time after: a
//! live one answers the server's pings. The connection of a peer that does not is closed, so that half-open connections and
//! slow strangers do not pile up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::addresses::OfAddress;
use crate::engine::metrics::{GaugeGuard, Metrics};
use crate::service::strangers::Peer;

/// The bytes with which HTTP/2 begins: preface and the header of the first frame. A TLS handshake has more.
pub(super) const FIRST_BYTES: u64 = 33;
/// How long they may take.
pub(super) const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// How long a peer may take until its first authorised call.
pub(super) const STRANGER: Duration = Duration::from_secs(30);
/// The longest silence after them: two pings of the server and their time to be answered.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

/// A connection that is closed when its peer is silent, or a stranger, for too long.
pub(in crate::service) struct Watched<IO> {
    pub(super) io: IO,
    metrics: Metrics,
    bytes: u64,
    opened: Instant,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    peer: Peer,
    /// While the peer is a stranger.
    crowded_out: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    _place: (OwnedSemaphorePermit, GaugeGuard, OfAddress),
}

impl<IO> Watched<IO> {
    pub(super) fn new(
        io: IO,
        place: (OwnedSemaphorePermit, GaugeGuard, OfAddress),
        peer: Peer,
        metrics: Metrics,
    ) -> Self {
        let now = Instant::now();
        let crowded_out = peer.crowded_out().clone().cancelled_owned();
        Self {
            io,
            metrics,
            bytes: 0,
            opened: now,
            heard: now,
            alarm: Box::pin(sleep_until(now + FIRST_WITHIN)),
            peer,
            crowded_out: Some(Box::pin(crowded_out)),
            _place: place,
        }
    }

    /// When the connection is closed if nothing happens, and the reason then.
    fn end(&self) -> (Instant, &'static str) {
        if self.bytes < FIRST_BYTES {
            return (self.opened + FIRST_WITHIN, "no-first-bytes");
        }
        let silent = (self.heard + SILENCE, "silent");
        if self.peer.is_known() {
            silent
        } else {
            silent.min((self.opened + STRANGER, "stranger"))
        }
    }

    /// Whether the connection is over now, and why. Wakes the task when it may be.
    fn is_over(&mut self, context: &mut Context<'_>) -> Option<&'static str> {
        // The alarm is moved on only when it rings: cheaper than at each read.
        while self.alarm.as_mut().poll(context).is_ready() {
            let (end, reason) = self.end();
            if end <= Instant::now() {
                return Some(reason);
            }
            self.alarm.as_mut().reset(end);
        }
        if self.peer.is_known() {
            self.crowded_out = None;
        }
        let crowded_out = self.crowded_out.as_mut()?.as_mut().poll(context);
        // Counted where it was decided.
        crowded_out.is_ready().then_some("")
    }
}

/// What a call can learn of the connection that it came over.
impl<IO> Connected for Watched<IO> {
    type ConnectInfo = Peer;
    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.io).poll_read(context, buffer);
        if read.is_ready() {
            this.bytes += (buffer.filled().len() - before) as u64;
            if this.bytes >= FIRST_BYTES {
                this.heard = Instant::now();
            }
            // A known peer has nothing to fear; a stranger that speaks without end is looked at each time.
            if this.peer.is_known() {
                return read;
            }
        }
        if let Some(reason) = this.is_over(context) {
            if !reason.is_empty() {
                this.metrics.connection_ended(reason);
            }
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}
