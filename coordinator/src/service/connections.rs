//! Connections that are let in: so many at a time, and so many from one address. [`watched`] closes those that say nothing.

mod addresses;
mod watched;

use std::any::Any;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::limits::Limits;
use super::strangers::Strangers;
use crate::engine::metrics::Metrics;

use addresses::Addresses;
use watched::Watched;

/// The pause after the system gave no connection (no file descriptors left): trying at once would only spin.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections without an authorised call, TLS handshakes included: at most so many, and no more than half of all.
const STRANGERS: usize = 512;
/// The same of one address.
const STRANGERS_OF_ADDRESS: usize = 256;

/// Lets at most so many connections in.
pub(super) struct Limited<S> {
    incoming: S,
    places: Arc<Semaphore>,
    addresses: Addresses,
    strangers: Strangers,
    metrics: Metrics,
    /// No connection could be taken at the last try.
    failing: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Limited<S> {
    pub(super) fn new(incoming: S, limits: Limits, metrics: Metrics) -> Self {
        Self {
            incoming,
            places: Arc::new(Semaphore::new(limits.connections)),
            addresses: Addresses::new(limits.connections_per_address),
            strangers: Strangers::new(
                STRANGERS.min((limits.connections / 2).max(1)),
                STRANGERS_OF_ADDRESS.min((limits.connections_per_address / 2).max(1)),
            ),
            metrics,
            failing: false,
            pause: None,
        }
    }
}

impl<S, IO> Stream for Limited<S>
where
    S: Stream<Item = io::Result<IO>> + Unpin,
    IO: Connected,
{
    type Item = io::Result<Watched<IO>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(context));
                this.pause = None;
            }
            match ready!(Pin::new(&mut this.incoming).poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    // Once for all tries until one succeeds.
                    if !std::mem::replace(&mut this.failing, true) {
                        tracing::warn!(%error, "a connection cannot be taken");
                    }
                    this.metrics.connection_ended("accept-failed");
                    this.pause = Some(Box::pin(sleep_until(Instant::now() + PAUSE)));
                }
                Some(Ok(io)) => {
                    this.failing = false;
                    // Where there is no place it is dropped, which closes it.
                    let from = peer(&io);
                    let Some(address) = this.addresses.enter(from) else {
                        this.metrics.connection_ended("too-many-of-address");
                        continue;
                    };
                    let Ok(permit) = this.places.clone().try_acquire_owned() else {
                        this.metrics.connection_ended("too-many");
                        continue;
                    };
                    let held = this.metrics.connection();
                    let metrics = this.metrics.clone();
                    let place = (permit, held, address);
                    let (peer, evicted) = this.strangers.enter(from);
                    if evicted {
                        metrics.connection_ended("crowded-out");
                    }
                    return Poll::Ready(Some(Ok(Watched::new(io, place, peer, metrics))));
                }
            }
        }
    }
}

/// Whom a connection is from, where it has an address.
fn peer(io: &impl Connected) -> Option<IpAddr> {
    let info = io.connect_info();
    let info = (&info as &dyn Any).downcast_ref::<TcpConnectInfo>()?;
    Some(info.remote_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::watched::{FIRST_WITHIN, SILENCE, STRANGER};
    use super::*;
    use crate::engine::metrics::MetricsSnapshot;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_stream::StreamExt;

    fn places(connections: usize, connections_per_address: usize) -> Limits {
        Limits {
            connections,
            connections_per_address,
            ..Limits::default()
        }
    }

    /// A connection from an address.
    struct From(SocketAddr);

    impl Connected for From {
        type ConnectInfo = TcpConnectInfo;
        fn connect_info(&self) -> Self::ConnectInfo {
            TcpConnectInfo {
                local_addr: None,
                remote_addr: Some(self.0),
            }
        }
    }

    #[tokio::test]
    async fn one_address_does_not_take_all_places() {
        let metrics = Metrics::new();
        let froms = [
            "10.0.0.1:1",
            "10.0.0.1:2",
            "[::ffff:10.0.0.1]:3",
            "10.0.0.2:1",
            "[2001:db8::1]:1",
            "[2001:db8::2]:1",
            "[2001:db8::3]:1",
            "[2001:db8:0:1::1]:1",
        ];
        let connections = froms.map(|from| Ok(From(from.parse().unwrap())));
        let mut incoming = Limited::new(
            tokio_stream::iter(connections),
            places(100, 2),
            metrics.clone(),
        );
        let mut taken = Vec::new();
        while let Some(connection) = incoming.next().await {
            taken.push(connection.unwrap());
        }
        let ports: Vec<String> = taken.iter().map(|taken| taken.io.0.to_string()).collect();
        assert_eq!(
            ports,
            [froms[0], froms[1], froms[3], froms[4], froms[5], froms[7]]
        );
        let text = metrics.render(&MetricsSnapshot::default());
        assert!(text.contains("reason=\"too-many-of-address\"} 2"), "{text}");
        // Who goes makes room, and nothing is remembered of those that went.
        let address = froms[0].parse::<SocketAddr>().unwrap().ip();
        assert!(incoming.addresses.enter(Some(address)).is_none());
        taken.remove(0);
        assert!(incoming.addresses.enter(Some(address)).is_some());
        drop(taken);
        assert!(incoming.addresses.with(|open| open.is_empty()));
    }

    fn one(
        metrics: &Metrics,
    ) -> (
        DuplexStream,
        Limited<impl Stream<Item = io::Result<DuplexStream>> + Unpin>,
    ) {
        let (ours, theirs) = duplex(64);
        let incoming = tokio_stream::iter([Ok(theirs)]);
        (ours, Limited::new(incoming, places(1, 1), metrics.clone()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_is_let_go() {
        let metrics = Metrics::new();
        let (mut peer, mut incoming) = one(&metrics);
        let mut connection = incoming.next().await.unwrap().unwrap();
        let began = Instant::now();
        peer.write_all(b"PRI").await.unwrap();
        let mut read = [0; 64];
        assert_eq!(connection.read(&mut read).await.unwrap(), 3);
        // Dripping does not help.
        tokio::time::sleep(Duration::from_secs(9)).await;
        peer.write_all(b" ").await.unwrap();
        assert_eq!(connection.read(&mut read).await.unwrap(), 1);
        let error = connection.read(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), FIRST_WITHIN.as_secs());

        let (mut peer, mut incoming) = one(&metrics);
        let mut connection = incoming.next().await.unwrap().unwrap();
        connection.connect_info().introduce();
        peer.write_all(&[0; 40]).await.unwrap();
        for _ in 0..5 {
            assert!(connection.read(&mut read).await.unwrap() > 0);
            tokio::time::sleep(SILENCE.saturating_sub(Duration::from_secs(1))).await;
            peer.write_all(b"ping").await.unwrap();
        }
        assert!(connection.read(&mut read).await.unwrap() > 0);
        let began = Instant::now();
        assert!(connection.read(&mut read).await.is_err());
        assert_eq!(began.elapsed().as_secs(), SILENCE.as_secs());
        let text = metrics.render(&MetricsSnapshot::default());
        assert!(
            text.contains("gcl_connections_ended_total{reason=\"no-first-bytes\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("gcl_connections_ended_total{reason=\"silent\"} 1"),
            "{text}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_that_talks_is_let_go_too() {
        let metrics = Metrics::new();
        let (mut peer, mut incoming) = one(&metrics);
        let mut connection = incoming.next().await.unwrap().unwrap();
        let began = Instant::now();
        let mut read = [0; 64];
        peer.write_all(&[0; 40]).await.unwrap();
        while connection.read(&mut read).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            peer.write_all(b"ping").await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), STRANGER.as_secs());
        let text = metrics.render(&MetricsSnapshot::default());
        assert!(text.contains("reason=\"stranger\"} 1"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_make_room_for_who_comes_and_never_for_all_places() {
        let metrics = Metrics::new();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (one, other) = duplex(64);
            ours.push(one);
            theirs.push(Ok(other));
        }
        let mut incoming = Limited::new(tokio_stream::iter(theirs), places(8, 8), metrics.clone());
        let mut open = Vec::new();
        let mut taken = 0;
        while let Some(connection) = incoming.next().await {
            taken += 1;
            open.push(connection.unwrap());
            let mut still = Vec::new();
            for mut connection in open {
                let mut read = [0; 1];
                let read = tokio::time::timeout(Duration::ZERO, connection.read(&mut read)).await;
                if read.is_err() {
                    still.push(connection);
                }
            }
            open = still;
            assert!(open.len() <= 4, "half of the places");
        }
        assert_eq!((taken, open.len()), (20, 4));
        let text = metrics.render(&MetricsSnapshot::default());
        assert!(text.contains("reason=\"crowded-out\"} 16"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_come_in_than_there_are_places() {
        let metrics = Metrics::new();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            let (one, other) = duplex(64);
            ours.push(one);
            theirs.push(Ok(other));
        }
        theirs.insert(2, Err(io::ErrorKind::Other.into()));
        let mut incoming = Limited::new(tokio_stream::iter(theirs), places(3, 1), metrics.clone());
        let mut taken = Vec::new();
        while let Some(connection) = incoming.next().await {
            taken.push(connection.unwrap());
        }
        assert_eq!(taken.len(), 3);
        let text = metrics.render(&MetricsSnapshot::default());
        assert!(text.contains("gcl_connections 3"), "{text}");
        assert!(text.contains("reason=\"too-many\"} 2"), "{text}");
        assert!(text.contains("reason=\"accept-failed\"} 1"), "{text}");
        // Those that found no place are closed.
        assert_eq!(ours[4].read(&mut [0; 1]).await.unwrap(), 0);
        drop(taken);
        assert!(
            metrics
                .render(&MetricsSnapshot::default())
                .contains("gcl_connections 0")
        );
    }
}
