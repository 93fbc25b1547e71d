//! Connections: so many at a time, so many from one address, and none that says nothing.
//!
//! A peer must begin to speak HTTP/2 (or TLS) at once, and be heard from time to time after: a live one answers the
//! server's pings. What does not is closed, so that half-open connections and slow strangers do not pile up.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::limits::Limits;
use crate::engine::metrics::{Held, Metrics};

/// The bytes with which HTTP/2 begins: preface and the header of the first frame. A TLS greeting has more.
const FIRST_BYTES: u64 = 33;
/// How long they may take.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// The longest silence after them: two pings of the server and their time to be answered.
const SILENCE: Duration = Duration::from_mins(1);
/// The pause after the system gave no connection (no file descriptors left): trying at once would only spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Lets at most so many connections in.
pub(super) struct Limited<S> {
    incoming: S,
    places: Arc<Semaphore>,
    addresses: Addresses,
    metrics: Metrics,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Limited<S> {
    pub(super) fn new(incoming: S, limits: Limits, metrics: Metrics) -> Self {
        Self {
            incoming,
            places: Arc::new(Semaphore::new(limits.connections)),
            addresses: Addresses::new(limits.connections_per_address),
            metrics,
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
                    tracing::warn!(%error, "a connection cannot be taken");
                    this.metrics.connection_ended("accept-failed");
                    this.pause = Some(Box::pin(sleep_until(Instant::now() + PAUSE)));
                }
                Some(Ok(io)) => {
                    // Where there is no place it is dropped, which closes it.
                    let Some(address) = this.addresses.enter(peer(&io)) else {
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
                    return Poll::Ready(Some(Ok(Watched::new(io, place, metrics))));
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

/// How many connections each address has.
#[derive(Clone)]
struct Addresses {
    most: usize,
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection's share of its address, until it is dropped.
struct OfAddress(Option<(Addresses, IpAddr)>);

impl Addresses {
    fn new(most: usize) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<IpAddr, usize>) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `None`: it has as many as it may have.
    fn enter(&self, address: Option<IpAddr>) -> Option<OfAddress> {
        let Some(address) = address.map(counted_as) else {
            return Some(OfAddress(None));
        };
        self.with(|open| {
            let count = open.entry(address).or_default();
            (*count < self.most).then(|| {
                *count += 1;
                OfAddress(Some((self.clone(), address)))
            })
        })
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let Some((addresses, address)) = self.0.take() else {
            return;
        };
        addresses.with(|open| {
            if let Some(count) = open.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&address);
                }
            }
        });
    }
}

/// Who has one address of IPv6 usually has 64 bits of them.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// A connection that is closed when its peer is silent for too long.
pub(super) struct Watched<IO> {
    io: IO,
    metrics: Metrics,
    bytes: u64,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    _place: (OwnedSemaphorePermit, Held, OfAddress),
}

impl<IO> Watched<IO> {
    fn new(io: IO, place: (OwnedSemaphorePermit, Held, OfAddress), metrics: Metrics) -> Self {
        let now = Instant::now();
        Self {
            io,
            metrics,
            bytes: 0,
            heard: now,
            alarm: Box::pin(sleep_until(now + FIRST_WITHIN)),
            _place: place,
        }
    }

    /// When the peer has been silent for too long.
    fn end(&self) -> Instant {
        if self.bytes < FIRST_BYTES {
            // `heard` is the beginning until then.
            self.heard + FIRST_WITHIN
        } else {
            self.heard + SILENCE
        }
    }
}

impl<IO: Connected> Connected for Watched<IO> {
    type ConnectInfo = IO::ConnectInfo;
    fn connect_info(&self) -> Self::ConnectInfo {
        self.io.connect_info()
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
        if let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(context, buffer) {
            this.bytes += (buffer.filled().len() - before) as u64;
            if this.bytes >= FIRST_BYTES {
                this.heard = Instant::now();
            }
            return Poll::Ready(read);
        }
        // The alarm is moved on only when it rings: cheaper than at each read.
        while this.alarm.as_mut().poll(context).is_ready() {
            let end = this.end();
            if end <= Instant::now() {
                let reason = if this.bytes < FIRST_BYTES {
                    "no-greeting"
                } else {
                    "silent"
                };
                this.metrics.connection_ended(reason);
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            this.alarm.as_mut().reset(end);
        }
        Poll::Pending
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::metrics::Snapshot;
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
        let text = metrics.render(&Snapshot::default());
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
        let text = metrics.render(&Snapshot::default());
        assert!(
            text.contains("gcl_connections_ended_total{reason=\"no-greeting\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("gcl_connections_ended_total{reason=\"silent\"} 1"),
            "{text}"
        );
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
        let text = metrics.render(&Snapshot::default());
        assert!(text.contains("gcl_connections 3"), "{text}");
        assert!(text.contains("reason=\"too-many\"} 2"), "{text}");
        assert!(text.contains("reason=\"accept-failed\"} 1"), "{text}");
        // Those that found no place are closed.
        assert_eq!(ours[4].read(&mut [0; 1]).await.unwrap(), 0);
        drop(taken);
        assert!(
            metrics
                .render(&Snapshot::default())
                .contains("gcl_connections 0")
        );
    }
}
