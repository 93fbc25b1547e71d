//! One simulated network.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use client::{Bearer, Client};
use coordinator::service::{Options, serve_incoming};
use coordinator::{Config as EngineConfig, Engine, SystemClock};
use hyper_util::rt::TokioIo;
use proto::nouns::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sweeps::CellResult;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};
use turmoil::net::{TcpListener, TcpStream};
use worker::Config;
use worker::fake::{Fake, Step};

use crate::network::{TIME_TO_LIVE, expand, sweep};

pub(crate) const JOBS: u64 = 12;
const WORKERS: [&str; 3] = ["w1", "w2", "w3"];
const COORDINATOR: &str = "coordinator";
const PORT: u16 = 7070;
/// Faults end here; what is left must come to an end by itself.
const QUIET: Duration = Duration::from_secs(90);
const END: Duration = Duration::from_mins(15);

/// What happens to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    Quiet,
    Wild,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) partitions: u32,
    pub(crate) held: u32,
    pub(crate) coordinators: u32,
    pub(crate) workers: u32,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.partitions += other.partitions;
        self.held += other.held;
        self.coordinators += other.coordinators;
        self.workers += other.workers;
    }
}

/// A connection as tonic wants it.
struct Wire(TcpStream);

impl Connected for Wire {
    type ConnectInfo = ();
    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

fn channel() -> Channel {
    let endpoint = client::live(Endpoint::from_static("http://coordinator.test"));
    endpoint.connect_with_connector_lazy(tower::service_fn(|_| async {
        TcpStream::connect((COORDINATOR, PORT))
            .await
            .map(TokioIo::new)
    }))
}

async fn coordinate(state: PathBuf, started_at: Timestamp) -> turmoil::Result {
    let mut config = EngineConfig::new(state);
    config.policy.time_to_live_ms = TIME_TO_LIVE.as_millis() as u64;
    // Snapshots come and go meanwhile.
    config.journal.snapshot_bytes = 8_000;
    let clock = Arc::new(SystemClock::starting_at(started_at));
    let shutdown = CancellationToken::new();
    let engine = Engine::start(config, clock, expand(), shutdown.clone()).await?;
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let (sender, incoming) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if sender.send(Ok(Wire(stream))).is_err() {
                return;
            }
        }
    });
    let options = Options {
        version: "test".into(),
        ..Options::default()
    };
    let incoming = UnboundedReceiverStream::new(incoming);
    serve_incoming(incoming, engine.handle(), options, shutdown).await?;
    Ok(())
}

/// A worker as an init system runs it: begun again when it ends.
async fn work(name: &'static str, session: u64, spool: PathBuf) -> turmoil::Result {
    let trainer = || {
        Fake::new(|_| {
            let work = Step::Work {
                time: Duration::from_secs(2),
                batch: Duration::from_millis(200),
            };
            [work, Step::Epoch].into_iter().cycle().take(6).collect()
        })
    };
    for life in 0.. {
        let config = Config {
            grace: Duration::from_secs(5),
            poll: Duration::from_secs(5),
            ..Config::new(channel(), name, spool.clone(), session * 1000 + life)
        };
        let _ = worker::run(config, Arc::new(trainer()), CancellationToken::new()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Submits until it is acknowledged, and looks until everything has come to an end.
async fn use_it(found: Arc<Mutex<Vec<CellResult>>>) -> turmoil::Result {
    let client = Client::new(channel(), Bearer::default());
    let pause = || tokio::time::sleep(Duration::from_millis(500));
    let within = Duration::from_secs(10);
    while !matches!(
        tokio::time::timeout(within, client.submit(&sweep("s", JOBS))).await,
        Ok(Ok(_))
    ) {
        pause().await;
    }
    loop {
        pause().await;
        let asked = tokio::time::timeout(within, client.cells("s")).await;
        if let Ok(Ok(cells)) = asked
            && cells.iter().all(|cell| cell.record.is_some())
        {
            *found.lock().unwrap() = cells;
            return Ok(());
        }
    }
}

/// Runs the story of a seed; answers the cells at its end and what happened.
pub(crate) fn run(seed: u64, story: Story, folder: &Path) -> (Vec<CellResult>, Tally) {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(END)
        .tick_duration(Duration::from_millis(10))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(40))
        .tcp_capacity(1 << 16)
        .rng_seed(seed)
        .build();
    let state = folder.join("state");
    // A restarted coordinator reads a clock that went on.
    let now = Arc::new(Mutex::new(Duration::ZERO));
    sim.host(COORDINATOR, {
        let now = now.clone();
        move || {
            let begin = 1_000_000 + now.lock().unwrap().as_millis() as u64;
            coordinate(state.clone(), Timestamp(begin))
        }
    });
    for (number, name) in WORKERS.into_iter().enumerate() {
        let spool = folder.join(name);
        let lives = Mutex::new(0);
        sim.host(name, move || {
            let mut lives = lives.lock().unwrap();
            *lives += 1;
            work(name, 100 * number as u64 + *lives, spool.clone())
        });
    }
    let found = Arc::new(Mutex::new(Vec::new()));
    sim.client("user", use_it(found.clone()));

    let mut tally = Tally::default();
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let others = [WORKERS[0], WORKERS[1], WORKERS[2], "user"];
    let mut next = Duration::from_secs(1);
    let mut mend: Vec<(Duration, Mending)> = Vec::new();
    let mut is_quiet = story == Story::Quiet;
    loop {
        let elapsed = sim.elapsed();
        *now.lock().unwrap() = elapsed;
        if !is_quiet && elapsed >= next {
            next = elapsed + Duration::from_millis(500 + u64::from(chance.next_u32() % 6000));
            let until =
                elapsed + Duration::from_millis(100 + u64::from(chance.next_u32() % 15_000));
            let other = others[chance.next_u32() as usize % others.len()];
            let mending = match chance.next_u32() % 6 {
                0 | 1 => {
                    tally.partitions += 1;
                    sim.partition(other, COORDINATOR);
                    Mending::Repair(other)
                }
                2 | 3 => {
                    tally.held += 1;
                    sim.hold(other, COORDINATOR);
                    Mending::Release(other)
                }
                4 => {
                    tally.coordinators += 1;
                    sim.crash(COORDINATOR);
                    Mending::Bounce(COORDINATOR)
                }
                _ => {
                    let worker = WORKERS[chance.next_u32() as usize % WORKERS.len()];
                    tally.workers += 1;
                    sim.crash(worker);
                    Mending::Bounce(worker)
                }
            };
            mend.push((until, mending));
        }
        is_quiet |= elapsed > QUIET;
        let is_over = |until: &Duration| *until <= elapsed || is_quiet;
        for (_, mending) in mend.extract_if(.., |(until, _)| is_over(until)) {
            match mending {
                Mending::Repair(other) => sim.repair(other, COORDINATOR),
                Mending::Release(other) => sim.release(other, COORDINATOR),
                Mending::Bounce(host) => sim.bounce(host),
            }
        }
        match sim.step() {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    let cells = std::mem::take(&mut *found.lock().unwrap());
    (cells, tally)
}

enum Mending {
    Repair(&'static str),
    Release(&'static str),
    Bounce(&'static str),
}
