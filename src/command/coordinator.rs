//! `gcl-sweep coordinator`, and the coordinator inside `run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use coordinator::Metrics;
use coordinator::service::{
    Access, Health, HttpOptions, Limits, Options, Tls, TokenFile, check_exposure,
    serve as serve_grpc, serve_http,
};
use coordinator::store::lock::LockError;
use coordinator::store::mark::Mark;
use coordinator::{
    Config, Engine, EngineError, Expand, Expanded, StateKind, SystemClock, sweep_language,
};
use proto::nouns::Requirements;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::arguments::Coordinator;
use crate::client::{read_bytes, read_token};
use crate::error::{CommandError, chain};
use crate::output::say;
use crate::{interrupt, supervisor, version};

mod renewal;

use renewal::Renewal;

/// Who may talk to a coordinator, what about and how much.
#[derive(Debug, Clone, Default)]
pub struct Security {
    access: Access,
    tls: Option<Tls>,
    insecure: bool,
    limits: Limits,
    longest_artifact: Option<u64>,
    /// Bytes that are left free for the journal.
    reserve: Option<u64>,
    /// The side port.
    http: Option<SocketAddr>,
    /// What its jobs are.
    kind: StateKind,
    /// Open a state folder of rehearsals all the same, as what it is.
    or_rehearsal: bool,
}

impl Security {
    /// This machine alone, without keys.
    pub fn loopback() -> Self {
        Self::default()
    }

    /// This machine alone, for a rehearsal.
    #[cfg(feature = "train")]
    pub fn rehearsal() -> Self {
        Self {
            kind: StateKind::Rehearsal,
            ..Self::default()
        }
    }

    /// This machine alone, to read what is in a state folder: results, or those of a rehearsal, which say so.
    pub fn reading() -> Self {
        Self {
            or_rehearsal: true,
            ..Self::default()
        }
    }

    /// The same, for whoever has that token alone.
    #[must_use]
    pub fn guarded_by(self, token: &str) -> Self {
        Self {
            access: Access::one(token),
            ..self
        }
    }

    fn read(arguments: &Coordinator, state: &Path) -> Result<Self, CommandError> {
        let token = arguments
            .token_file
            .as_deref()
            .map(read_token)
            .transpose()?;
        if token.as_ref().is_some_and(String::is_empty) {
            return Err(CommandError::Usage(
                "the token file is empty: anyone could come in".into(),
            ));
        }
        let file = match &arguments.tokens {
            // Whoever names it wants it: a file that is not there must not mean that nobody is asked.
            Some(path) if !path.exists() => {
                return Err(CommandError::Usage(format!(
                    "there is no token file {}: `gcl-sweep token create --tokens {0}` makes it",
                    path.display()
                )));
            }
            Some(path) => TokenFile::new(path),
            None => TokenFile::of_state(state),
        };
        let access = Access::from_file(file, token.as_deref())
            .map_err(|error| CommandError::Store(chain(&error)))?;
        let callers = arguments
            .tls_client_ca
            .as_deref()
            .map(read_bytes)
            .transpose()?;
        let tls = match (&arguments.tls_certificate, &arguments.tls_key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (read_bytes(certificate)?, read_bytes(key)?);
                let tls = Tls::new(&certificate, &key, callers.as_deref());
                Some(tls.map_err(|error| CommandError::Usage(error.to_string()))?)
            }
            _ => None,
        };
        Ok(Self {
            access,
            tls,
            insecure: arguments.insecure,
            limits: Limits {
                connections: arguments.max_connections,
                connections_per_address: arguments.max_connections_per_address,
                uploads: arguments.max_uploads,
                jobs_per_sweep: arguments.max_jobs,
                ..Limits::default()
            },
            longest_artifact: Some(arguments.max_artifact_bytes),
            reserve: arguments.reserve_bytes,
            http: arguments.http,
            kind: if arguments.noop {
                StateKind::Noop
            } else {
                StateKind::Training
            },
            or_rehearsal: false,
        })
    }

    /// Whether a port may listen there.
    fn check(&self, address: SocketAddr) -> Result<(), CommandError> {
        check_exposure(
            address,
            self.tls.is_some(),
            self.access.is_guarded(),
            self.insecure,
        )
        .map_err(|error| CommandError::Usage(error.to_string()))
    }
}

/// A coordinator that answers.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the side port listens.
    pub http: Option<SocketAddr>,
    /// What its jobs are.
    pub kind: StateKind,
    health: Health,
    engine: Engine,
    server: JoinHandle<Result<(), coordinator::service::ServeError>>,
    stop_server: CancellationToken,
    stop_engine: CancellationToken,
}

impl Serving {
    /// Lets running calls end, writes what is left, and stops.
    pub async fn stop(self) -> Result<(), CommandError> {
        self.stop_server.cancel();
        let served = self
            .server
            .await
            .map_err(|error| CommandError::Other(format!("the server ended: {error}")))?;
        self.stop_engine.cancel();
        self.engine.stopped().await.map_err(|error| store(&error))?;
        served.map_err(|error| CommandError::Other(chain(&error)))
    }
}

/// Opens the state folder and answers on `listen`.
///
/// # Errors
/// A folder that cannot be used, an address that is taken or not safe.
pub async fn serve(
    state: &Path,
    listen: SocketAddr,
    security: &Security,
    lease: Duration,
) -> Result<Serving, CommandError> {
    let (listener, address) = bind(listen, security).await?;
    let side = match security.http {
        Some(address) => Some(bind(address, security).await?),
        None => None,
    };
    let metrics = Metrics::new();
    let stop_engine = CancellationToken::new();
    let mut config = Config::new(state);
    config.trainer_revision = security.kind.trainer_revision();
    config.policy.time_to_live_ms = (lease.as_millis() as u64).max(1000);
    config.metrics = metrics.clone();
    config.reserve = security.reserve;
    config.random = random()?;
    if let Some(bytes) = security.longest_artifact {
        config.longest_artifact = bytes;
    }
    let mut kind = security.kind;
    let started = match start(config.clone(), kind, &stop_engine).await {
        Err(EngineError::OtherKind {
            held: StateKind::Rehearsal,
            ..
        }) if security.or_rehearsal => {
            kind = StateKind::Rehearsal;
            config.trainer_revision = kind.trainer_revision();
            start(config, kind, &stop_engine).await
        }
        started => started,
    };
    let engine = started.map_err(|error| store(&error))?;
    let health = Health::new(
        engine.handle(),
        state,
        &security.limits,
        metrics.clone(),
        version::LONG,
    );
    let options = Options {
        version: version::LONG.to_owned(),
        access: security.access.clone(),
        tls: security.tls.clone(),
        limits: security.limits,
        metrics,
        health: Some(health.clone()),
    };
    let stop_server = CancellationToken::new();
    let http = side.as_ref().map(|(_, address)| *address);
    if let Some((listener, address)) = side {
        let options = HttpOptions {
            health: health.clone(),
            access: security.access.clone(),
            // Probes and scrapers of this machine need no certificate.
            tls: security
                .tls
                .clone()
                .filter(|_| !address.ip().to_canonical().is_loopback()),
        };
        let stop = stop_server.clone();
        tokio::spawn(async move {
            if let Err(error) = serve_http(listener, options, stop).await {
                tracing::error!(%error, "there is no HTTP port");
            }
        });
    }
    let server = tokio::spawn(serve_grpc(
        listener,
        engine.handle(),
        options,
        stop_server.clone(),
    ));
    Ok(Serving {
        address,
        http,
        kind,
        health,
        engine,
        server,
        stop_server,
        stop_engine,
    })
}

fn random() -> Result<u64, CommandError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| CommandError::Other(format!("no random bytes: {error}")))?;
    Ok(u64::from_le_bytes(random))
}

/// Whether the coordinator of a folder that was guarded once would be open to everybody now.
fn stay_guarded(state: &Path, security: &Security) -> Result<(), CommandError> {
    if security.access.is_guarded() || security.insecure || !Mark::Guarded.is_on(state) {
        return Ok(());
    }
    let state = state.display();
    Err(CommandError::Usage(format!(
        "callers of the coordinator of {state} needed tokens, and there are none now: make one (`gcl-sweep token create --state {state} --role admin --out FILE`), name those that there are (--tokens, --token-file), or open it to everybody with --insecure"
    )))
}

async fn start(
    config: Config,
    kind: StateKind,
    stop: &CancellationToken,
) -> Result<Engine, EngineError> {
    let language = match kind {
        StateKind::Rehearsal => rehearsed_language(),
        StateKind::Training | StateKind::Noop => sweep_language(),
    };
    let clock = Arc::new(SystemClock::start());
    Engine::start(config, clock, language, stop.clone()).await
}

/// The sweep language of rehearsals: the data are stand-ins, whatever digest the file demands, and the workers are this
/// machine's, whatever the file asks of workers.
fn rehearsed_language() -> Expand {
    let language = sweep_language();
    Arc::new(move |file, text, max_jobs| {
        let expanded = language(file, text, max_jobs)?;
        Ok(Expanded {
            datasets: std::collections::BTreeMap::new(),
            requirements: Requirements::default(),
            ..expanded
        })
    })
}

async fn bind(
    address: SocketAddr,
    security: &Security,
) -> Result<(TcpListener, SocketAddr), CommandError> {
    security.check(address)?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| CommandError::Other(format!("cannot listen on {address}: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::Other(format!("cannot tell the address: {error}")))?;
    Ok((listener, address))
}

fn store(error: &EngineError) -> CommandError {
    match error {
        // A folder that comes back is a reason to start again.
        EngineError::Lock(LockError::Gone(_)) => CommandError::Other(chain(error)),
        _ => CommandError::Store(chain(error)),
    }
}

/// Runs until a signal.
pub fn coordinator(arguments: &Coordinator) -> Result<(), CommandError> {
    let state = arguments
        .state
        .as_deref()
        .ok_or_else(|| CommandError::Usage("--state DIR is needed".into()))?;
    let security = Security::read(arguments, state)?;
    stay_guarded(state, &security)?;
    let lease = Duration::try_from_secs_f64(arguments.lease_seconds)
        .ok()
        .filter(|lease| *lease >= Duration::from_secs(1))
        .ok_or_else(|| CommandError::Usage("--lease-seconds must be 1 or more".into()))?;
    super::runtime()?.block_on(async {
        let stop = interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let serving = serve(state, arguments.listen, &security, lease).await?;
        if security.access.is_guarded() {
            Mark::Guarded
                .put(state)
                .map_err(|error| CommandError::Store(chain(&error)))?;
        }
        let scheme = |address: SocketAddr, always: bool| {
            let near = address.ip().to_canonical().is_loopback();
            if security.tls.is_some() && (always || !near) {
                "https"
            } else {
                "http"
            }
        };
        let address = format!("{}://{}", scheme(serving.address, true), serving.address);
        say(&format!(
            "listening on {address}, state in {}, {}",
            state.display(),
            if security.access.is_guarded() {
                "callers need a token"
            } else {
                "callers need no token"
            }
        ));
        if let Some(http) = serving.http {
            let address = format!("{}://{http}", scheme(http, false));
            say(&format!("metrics and probes on {address}: /metrics /healthz /readyz"));
            if let Some(path) = &arguments.http_address_file {
                write_address(path, &address)?;
            }
        }
        if security.insecure && !serving.address.ip().is_loopback() {
            say("warning: --insecure: what travels is not encrypted, and without tokens anyone who reaches this port can submit, steer and read");
        }
        if let Some(path) = &arguments.address_file {
            write_address(path, &address)?;
        }
        if let (Some(tls), Some(certificate), Some(key)) =
            (&security.tls, &arguments.tls_certificate, &arguments.tls_key)
        {
            let renewal = Renewal::new(tls.clone(), certificate.clone(), key.clone());
            tokio::spawn(renewal.follow(stop.clone()));
        }
        supervisor::tell(&[supervisor::READY]);
        let watchdog = tokio::spawn(supervisor::watchdog(serving.health.clone(), stop.clone()));
        stop.cancelled().await;
        supervisor::tell(&[supervisor::STOPPING]);
        say("stopping");
        watchdog.abort();
        serving.stop().await
    })
}

/// Whole or not at all: whoever waits for the file must not read half of it.
fn write_address(path: &PathBuf, address: &str) -> Result<(), CommandError> {
    let beside = path.with_extension("part");
    std::fs::write(&beside, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| CommandError::io("write the address into", path, &error))
}
