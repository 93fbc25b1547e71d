//! `gcl-sweep coordinator`, and the coordinator inside `run`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coordinator::service::{Health, HttpOptions, Options, serve as serve_grpc, serve_http};
use coordinator::state::Mark;
use coordinator::{
    Config, Engine, EngineError, Expand, Expanded, Metrics, Policy, SystemClock, sweep_language,
};
use durable::Writing;
use nix::sys::stat::{Mode, umask};
use proto::nouns::{Requirements, StateKind};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::arguments::Coordinator;
use crate::error::CommandError;
use crate::output::say;
use crate::{interrupt, supervisor, version};

mod announcer;
mod failure;
mod printed;
mod renewal;
mod security;
mod serving;

pub(super) use failure::failed;
use renewal::Renewal;
pub use security::Security;
use security::stay_guarded;
use serving::Parts;
pub use serving::Serving;

/// How long threads may take to end after everything else has.
const LAST_THREADS: Duration = Duration::from_secs(5);

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
    let ports = Ports::bind(listen, security).await?;
    ports.serve(state, security, policy(lease, false)).await
}

/// How the scheduler decides.
fn policy(lease: Duration, pack_workers: bool) -> Policy {
    Policy {
        time_to_live_ms: (lease.as_millis() as u64).max(1000),
        pack_workers,
        ..Policy::default()
    }
}

/// Ports that are bound. Callers of the main one wait until somebody answers.
struct Ports {
    main: (TcpListener, SocketAddr),
    /// For metrics and probes.
    side: Option<(TcpListener, SocketAddr)>,
}

impl Ports {
    async fn bind(listen: SocketAddr, security: &Security) -> Result<Self, CommandError> {
        let main = bind(listen, security).await?;
        let side = match security.http {
            Some(address) => Some(bind(address, security).await?),
            None => None,
        };
        Ok(Self { main, side })
    }

    /// Opens the state folder and answers. The side port answers from the beginning: that it is starting.
    async fn serve(
        self,
        state: &Path,
        security: &Security,
        policy: Policy,
    ) -> Result<Serving, CommandError> {
        let metrics = Metrics::new();
        let mut config = Config::new(state);
        config.policy = policy;
        config.metrics = metrics.clone();
        config.reserve = security.reserve;
        config.random = u64::from_le_bytes(random()?);
        if let Some(bytes) = security.longest_artifact {
            config.longest_artifact = bytes;
        }
        let health = Health::starting(
            config.opening.clone(),
            state,
            &security.limits,
            metrics.clone(),
            version::LONG,
        );
        let (stop_ports, stop_engine) = (CancellationToken::new(), CancellationToken::new());
        // Where the start fails, the side port ends with it.
        let started = stop_ports.clone().drop_guard();
        let http = self.side.as_ref().map(|(_, address)| *address);
        let secret = random()?;
        let side = self.side.map(|(listener, address)| {
            let options = HttpOptions {
                health: health.clone(),
                access: security.access.clone(),
                // Probes and scrapers of this machine need no certificate.
                tls: security
                    .tls
                    .clone()
                    .filter(|_| !address.ip().to_canonical().is_loopback()),
                names: security.http_names.clone(),
                secret,
                printed: Some(Arc::new(printed::printed)),
            };
            tokio::spawn(serve_http(listener, options, stop_ports.clone()))
        });
        let opening = config.opening.clone();
        let (engine, kind) = tokio::select! {
            opened = open(config, security, &stop_engine) => opened?,
            never = supervisor::starting(&opening) => match never {},
        };
        health.started(engine.handle());
        let options = Options {
            version: version::LONG.to_owned(),
            access: security.access.clone(),
            tls: security.tls.clone(),
            limits: security.limits,
            metrics,
            health: Some(health.clone()),
        };
        let (listener, address) = self.main;
        let server = serve_grpc(listener, engine.handle(), options, stop_ports.clone());
        started.disarm();
        let parts = Parts {
            engine,
            server: tokio::spawn(server),
            side,
            stop_ports,
            stop_engine,
        };
        Ok(Serving::new(address, http, kind, health, parts))
    }
}

/// Opens the state folder as what it is to be.
async fn open(
    mut config: Config,
    security: &Security,
    stop: &CancellationToken,
) -> Result<(Engine, StateKind), CommandError> {
    let kind = security.kind;
    config.trainer_revision = kind.trainer_revision();
    let started = start(config, kind, stop).await;
    started
        .map(|engine| (engine, kind))
        .map_err(|error| failed(&error))
}

fn random<const N: usize>() -> Result<[u8; N], CommandError> {
    let mut random = [0; N];
    getrandom::fill(&mut random)
        .map_err(|error| CommandError::Other(format!("no random bytes: {error}")))?;
    Ok(random)
}

/// Root's coordinator on the folder of a service's user would leave files there that the service cannot read.
fn be_its_owner(state: &Path) -> Result<(), CommandError> {
    let Some(owner) = ownership::foreign_to_root(state) else {
        return Ok(());
    };
    let (user, state) = (owner.user(), state.display());
    Err(CommandError::Usage(format!(
        "the state folder {state} is the user {user}'s, and this is root: what root wrote there could not be read by that user's coordinator any more. Start it as that user (`sudo -u {user} …`, or `systemctl start gcl-sweep-coordinator`), or give the folder to root (`chown -R root {state}`)"
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
            // What small networks say of stand-ins decides nothing.
            adaptive: None,
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
        .map_err(|error| {
            let mut text = format!("cannot listen on {address}: {error}");
            if error.kind() == std::io::ErrorKind::AddrInUse {
                text += "\n\nhint: another program has that port, perhaps a coordinator: stop it, or give --listen (or --http) another port; 0 takes a free one";
            }
            CommandError::Other(text)
        })?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::Other(format!("cannot tell the address: {error}")))?;
    Ok((listener, address))
}

/// Runs until a signal.
pub fn coordinator(arguments: &Coordinator) -> Result<(), CommandError> {
    let state = arguments
        .state
        .as_deref()
        .ok_or_else(|| CommandError::Usage("--state DIR is needed".into()))?;
    be_its_owner(state)?;
    let security = Security::read(arguments, state)?;
    stay_guarded(state, &security)?;
    if security.access.is_guarded() {
        // Whatever is made in the state folder, by whichever library: it is for its owner alone.
        umask(Mode::from_bits_truncate(0o077));
    }
    let lease = Duration::try_from_secs_f64(arguments.lease_seconds)
        .ok()
        .filter(|lease| *lease >= Duration::from_secs(1))
        .ok_or_else(|| {
            CommandError::Usage("--lease-seconds must be 1 or more, and a span of time".into())
        })?;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(until_stopped(
        arguments,
        state,
        &security,
        policy(lease, arguments.pack_workers),
    ));
    // A thread that hangs in a disk must not keep a coordinator that broke from being started again.
    runtime.shutdown_timeout(LAST_THREADS);
    ended
}

async fn until_stopped(
    arguments: &Coordinator,
    state: &Path,
    security: &Security,
    policy: Policy,
) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let scheme = |address: SocketAddr, always: bool| {
        let near = address.ip().to_canonical().is_loopback();
        if security.tls.is_some() && (always || !near) {
            "https"
        } else {
            "http"
        }
    };
    let ports = Ports::bind(arguments.listen, security).await?;
    if let Some((_, http)) = ports.side {
        let address = format!("{}://{http}", scheme(http, false));
        say(&format!(
            "metrics, probes and the live page on {address}: /metrics /healthz /readyz /live"
        ));
        if let Some(path) = &arguments.http_address_file {
            write_address(path, &address)?;
        }
    }
    let serving = tokio::select! {
        serving = ports.serve(state, security, policy) => serving?,
        // What is read changes nothing: a start may be left at any moment.
        () = stop.cancelled() => return Ok(()),
    };
    if security.access.is_guarded() {
        Mark::Guarded
            .put(state)
            .map_err(|error| failed(&error.into()))?;
    }
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
    if security.insecure && !serving.address.ip().is_loopback() {
        say(
            "warning: --insecure: what travels is not encrypted, and without tokens anyone who reaches this port can submit, control and read",
        );
    }
    if let Some(path) = &arguments.address_file {
        write_address(path, &address)?;
    }
    let mut helpers = JoinSet::new();
    if let (Some(tls), Some(certificate), Some(key)) = (
        &security.tls,
        &arguments.tls_certificate,
        &arguments.tls_key,
    ) {
        let renewal = Renewal::new(tls.clone(), certificate.clone(), key.clone());
        helpers.spawn(renewal.follow(stop.clone()));
    }
    if arguments.notify.notify.is_some() {
        let announcer = announcer::announce(serving.engine.clone(), arguments.notify.clone());
        helpers.spawn(announcer);
    }
    supervisor::tell(&[supervisor::READY, supervisor::SERVING]);
    helpers.spawn(supervisor::watchdog(serving.health.clone(), stop.clone()));
    let panicked = tokio::select! {
        () = stop.cancelled() => None,
        () = serving.broke() => None,
        panicked = panicked(&mut helpers) => Some(panicked),
    };
    supervisor::tell(&[supervisor::STOPPING]);
    say("stopping");
    helpers.abort_all();
    let stopped = serving.stop().await;
    match panicked {
        Some(panicked) => Err(CommandError::Broken(format!(
            "a task that the coordinator cannot do without ended: {panicked}"
        ))),
        None => stopped,
    }
}

/// How the first task of these panicked; never where all end well.
async fn panicked(tasks: &mut JoinSet<()>) -> JoinError {
    while let Some(ended) = tasks.join_next().await {
        if let Err(panicked) = ended {
            return panicked;
        }
    }
    std::future::pending().await
}

/// Whole or not at all: whoever waits for the file must not read half of it. An address is no secret.
fn write_address(path: &Path, address: &str) -> Result<(), CommandError> {
    let readable = Writing {
        mode: Some(0o644),
        ..Writing::ATOMIC
    };
    durable::replace(path, &[address.as_bytes(), b"\n"], readable)
        .map_err(|error| CommandError::io("write the address into", path, &error))
}
