//! A cluster of a test: a coordinator that can be restarted, and a network that can be cut.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Bearer, Client};
use coordinator::service::{Options, serve_incoming};
use coordinator::{Config as EngineConfig, Engine, Expand, Expanded, SystemClock};
use hyper_util::rt::TokioIo;
use proto::nouns::{Submit, Timestamp};
use sweeps::{Cell, CellResult, DatasetSource, JobSpec, Parameters, Regime, Reporting, Synthetic};
use tempfile::TempDir;
use tokio::io::{DuplexStream, copy_bidirectional};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use worker::{Config, Exit, Trainer, WorkerError};

pub(crate) const TIME_TO_LIVE: Duration = Duration::from_secs(6);

pub(crate) struct Cluster {
    pub(crate) folder: TempDir,
    listening: Arc<Mutex<Option<mpsc::UnboundedSender<std::io::Result<DuplexStream>>>>>,
    coordinator: Option<Coordinator>,
    options: Options,
}

struct Coordinator {
    engine: Engine,
    server: JoinHandle<()>,
    shutdown: CancellationToken,
}

/// One host's way to the coordinator.
#[derive(Clone)]
pub(crate) struct Host {
    listening: Arc<Mutex<Option<mpsc::UnboundedSender<std::io::Result<DuplexStream>>>>>,
    cut: Arc<Mutex<Option<CancellationToken>>>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::with(Options {
            version: "test".into(),
            ..Options::default()
        })
        .await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let mut cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            listening: Arc::default(),
            coordinator: None,
            options,
        };
        cluster.up().await;
        cluster
    }

    /// Starts the coordinator on the state folder.
    pub(crate) async fn up(&mut self) {
        let shutdown = CancellationToken::new();
        let mut config = EngineConfig::new(self.folder.path().join("state"));
        config.policy.time_to_live_ms = TIME_TO_LIVE.as_millis() as u64;
        let clock = Arc::new(SystemClock::starting_at(Timestamp(1_000_000)));
        let engine = Engine::start(config, clock, expand(), shutdown.clone())
            .await
            .unwrap();
        let (sender, incoming) = mpsc::unbounded_channel();
        *self.listening.lock().unwrap() = Some(sender);
        let (handle, options, token) = (engine.handle(), self.options.clone(), shutdown.clone());
        let server = tokio::spawn(async move {
            serve_incoming(
                UnboundedReceiverStream::new(incoming),
                handle,
                options,
                token,
            )
            .await
            .unwrap();
        });
        self.coordinator = Some(Coordinator {
            engine,
            server,
            shutdown,
        });
    }

    /// Stops it.
    pub(crate) async fn down(&mut self) {
        let coordinator = self.coordinator.take().unwrap();
        *self.listening.lock().unwrap() = None;
        coordinator.shutdown.cancel();
        coordinator.server.await.unwrap();
        coordinator.engine.stopped().await.unwrap();
    }

    pub(crate) fn host(&self) -> Host {
        Host {
            listening: Arc::clone(&self.listening),
            cut: Arc::new(Mutex::new(Some(CancellationToken::new()))),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.host().channel(), Bearer::default())
    }

    pub(crate) fn config(&self, host: &Host, name: &str) -> Config {
        Config {
            grace: Duration::from_secs(10),
            poll: Duration::from_secs(5),
            ..Config::new(host.channel(), name, self.spool(name), name.len() as u64)
        }
    }

    pub(crate) fn spool(&self, name: &str) -> PathBuf {
        self.folder.path().join("spool").join(name)
    }

    pub(crate) fn worker(&self, name: &str, trainer: impl Trainer) -> Running {
        start(self.config(&self.host(), name), trainer)
    }

    /// The sweep's cells once nothing happens to it any more.
    pub(crate) async fn settled(&self, sweep: &str) -> Vec<CellResult> {
        let client = self.client();
        for _ in 0..100_000 {
            if let Ok(info) = client.sweep_info(sweep).await
                && info.summary.counts.is_settled()
            {
                return client.cells(sweep).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the sweep never came to an end");
    }

    /// The sweep's cells once they are as wanted.
    pub(crate) async fn until(
        &self,
        sweep: &str,
        what: &str,
        are: impl Fn(&[CellResult]) -> bool,
    ) -> Vec<CellResult> {
        let client = self.client();
        for _ in 0..10_000 {
            if let Ok(cells) = client.cells(sweep).await
                && are(&cells)
            {
                return cells;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it never came to this: {what}");
    }
}

impl Host {
    pub(crate) fn channel(&self) -> Channel {
        let host = self.clone();
        client::live(Endpoint::from_static("http://coordinator.test")).connect_with_connector_lazy(
            tower::service_fn(move |_| {
                let connected = host.connect();
                async move { connected.map(TokioIo::new) }
            }),
        )
    }

    /// Cuts the wire: connections break, new ones fail.
    pub(crate) fn cut(&self) {
        if let Some(cut) = self.cut.lock().unwrap().take() {
            cut.cancel();
        }
    }

    pub(crate) fn mend(&self) {
        *self.cut.lock().unwrap() = Some(CancellationToken::new());
    }

    fn connect(&self) -> std::io::Result<DuplexStream> {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let cut = self.cut.lock().unwrap().clone().ok_or_else(refused)?;
        let listening = self.listening.lock().unwrap().clone().ok_or_else(refused)?;
        let (near, mut wire_near) = tokio::io::duplex(64 << 10);
        let (mut wire_far, far) = tokio::io::duplex(64 << 10);
        listening.send(Ok(far)).map_err(|_| refused())?;
        tokio::spawn(async move {
            tokio::select! {
                _ = copy_bidirectional(&mut wire_near, &mut wire_far) => {}
                () = cut.cancelled() => {}
            }
        });
        Ok(near)
    }
}

pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    task: JoinHandle<Result<Exit, WorkerError>>,
}

pub(crate) fn start(config: Config, trainer: impl Trainer) -> Running {
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(worker::run(config, Arc::new(trainer), shutdown.clone()));
    Running { shutdown, task }
}

impl Running {
    pub(crate) async fn exit(self) -> Result<Exit, WorkerError> {
        self.task.await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.exit().await.unwrap();
    }

    /// As `kill -9` does it.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A sweep "file" of these tests is a number of jobs.
pub(crate) fn sweep(name: &str, jobs: u64) -> Submit {
    Submit {
        file: format!("{name}.toml"),
        text: format!("{name} {jobs}"),
        ..Submit::default()
    }
}

pub(crate) fn expand() -> Expand {
    Arc::new(|file, text, _| {
        let (name, jobs) = text
            .split_once(' ')
            .ok_or(format!("{file}: no number of jobs"))?;
        let jobs: u64 = jobs.parse().map_err(|error| format!("{file}: {error}"))?;
        let synthetic = Synthetic {
            videos: 6,
            mean_length: 4,
            dimension: 8,
            seed: 0,
            regime: Regime::OwnCameras,
        };
        let cells = (0..jobs)
            .map(|seed| Cell {
                variant: name.to_owned(),
                point: Vec::new(),
                job: JobSpec::resolve(
                    DatasetSource::Synthetic(synthetic.clone()),
                    seed,
                    &Parameters::default(),
                ),
                reporting: Reporting::default(),
            })
            .collect();
        Ok(Expanded {
            name: name.to_owned(),
            description: "of a test".to_owned(),
            columns: Vec::new(),
            cells,
            datasets: BTreeMap::new(),
            requirements: proto::nouns::Requirements::default(),
            adaptive: None,
        })
    })
}
