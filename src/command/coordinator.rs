//! `gcl-sweep coordinator`, and the coordinator inside `run`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use coordinator::service::{Options, Tls, Token, check_exposure, serve as serve_grpc};
use coordinator::{Config, Engine, EngineError, SystemClock, sweep_language};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::arguments::Coordinator;
use crate::client::{read_bytes, read_token};
use crate::error::{CommandError, chain};
use crate::output::say;
use crate::{interrupt, version};

/// Who may talk to a coordinator, and what about.
#[derive(Debug, Clone, Default)]
pub struct Security {
    token: Option<String>,
    tls: Option<Tls>,
    insecure: bool,
    /// Jobs that train nothing.
    noop: bool,
}

impl Security {
    /// This machine alone, without keys.
    pub fn loopback() -> Self {
        Self::default()
    }

    fn read(arguments: &Coordinator) -> Result<Self, CommandError> {
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
        let tls = match (&arguments.tls_certificate, &arguments.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls {
                certificate: read_bytes(certificate)?,
                key: read_bytes(key)?,
                callers: None,
            }),
            _ => None,
        };
        Ok(Self {
            token,
            tls,
            insecure: arguments.insecure,
            noop: arguments.noop,
        })
    }
}

/// A coordinator that answers.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
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
    check_exposure(
        listen,
        security.tls.is_some(),
        security.token.is_some(),
        security.insecure,
    )
    .map_err(|error| CommandError::Usage(error.to_string()))?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| CommandError::Other(format!("cannot listen on {listen}: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::Other(format!("cannot tell the address: {error}")))?;
    let stop_engine = CancellationToken::new();
    let mut config = Config::new(state);
    if security.noop {
        config.trainer_revision = sweeps::NOOP_REVISION;
    }
    config.policy.time_to_live_ms = (lease.as_millis() as u64).max(1000);
    let engine = Engine::start(
        config,
        Arc::new(SystemClock::start()),
        sweep_language(),
        stop_engine.clone(),
    )
    .await
    .map_err(|error| store(&error))?;
    let options = Options {
        version: version::LONG.to_owned(),
        token: security.token.as_deref().map(Token::new),
        tls: security.tls.clone(),
    };
    let stop_server = CancellationToken::new();
    let server = tokio::spawn(serve_grpc(
        listener,
        engine.handle(),
        options,
        stop_server.clone(),
    ));
    Ok(Serving {
        address,
        engine,
        server,
        stop_server,
        stop_engine,
    })
}

fn store(error: &EngineError) -> CommandError {
    CommandError::Store(chain(error))
}

/// Runs until a signal.
pub fn coordinator(arguments: &Coordinator) -> Result<(), CommandError> {
    let state = arguments
        .state
        .as_deref()
        .ok_or_else(|| CommandError::Usage("--state DIR is needed".into()))?;
    let security = Security::read(arguments)?;
    let lease = Duration::try_from_secs_f64(arguments.lease_seconds)
        .ok()
        .filter(|lease| *lease >= Duration::from_secs(1))
        .ok_or_else(|| CommandError::Usage("--lease-seconds must be 1 or more".into()))?;
    super::runtime()?.block_on(async {
        let stop = interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let serving = serve(state, arguments.listen, &security, lease).await?;
        let scheme = if security.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let address = format!("{scheme}://{}", serving.address);
        say(&format!(
            "listening on {address}, state in {}",
            state.display()
        ));
        if security.insecure && !serving.address.ip().is_loopback() {
            say("warning: --insecure: anyone who reaches this port can submit, steer and read");
        }
        if let Some(path) = &arguments.address_file {
            write_address(path, &address)?;
        }
        stop.cancelled().await;
        say("stopping");
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
