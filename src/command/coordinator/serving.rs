//! A coordinator that answers, and the end of one whose parts do not all live any more.

use std::net::SocketAddr;
use std::time::Duration;

use coordinator::service::{Health, ServeError, TlsError};
use coordinator::{Engine, EngineError, EngineHandle};
use proto::error_chain;
use proto::nouns::StateKind;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::CommandError;

/// How long the parts that are left may take to end after one that broke. The process must soon be gone, so that it is
/// started again.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// A coordinator that answers.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the side port listens, if there is one.
    pub http: Option<SocketAddr>,
    /// What its jobs are.
    pub kind: StateKind,
    pub(super) health: Health,
    pub(super) engine: EngineHandle,
    stop: CancellationToken,
    broke: CancellationToken,
    supervisor: JoinHandle<Result<(), CommandError>>,
}

/// What a coordinator cannot do without.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) server: JoinHandle<Result<(), ServeError>>,
    pub(super) side: Option<JoinHandle<Result<(), TlsError>>>,
    /// Ends the ports.
    pub(super) stop_ports: CancellationToken,
    /// Ends the engine.
    pub(super) stop_engine: CancellationToken,
}

impl Serving {
    pub(super) fn new(
        address: SocketAddr,
        http: Option<SocketAddr>,
        kind: StateKind,
        health: Health,
        parts: Parts,
    ) -> Self {
        let (stop, broke) = (CancellationToken::new(), CancellationToken::new());
        let engine = parts.engine.handle();
        let supervisor = tokio::spawn(supervise(parts, stop.clone(), broke.clone()));
        Self {
            address,
            http,
            kind,
            health,
            engine,
            stop,
            broke,
            supervisor,
        }
    }

    /// Its engine.
    pub fn engine(&self) -> EngineHandle {
        self.engine.clone()
    }

    /// Waits until a part that it cannot do without has ended by itself; [`Self::stop`] then says which.
    pub async fn broke(&self) {
        self.broke.cancelled().await;
    }

    /// Lets running calls end, writes what is left, and stops.
    ///
    /// # Errors
    /// [`CommandError::Broken`]: a part ended by itself.
    pub async fn stop(self) -> Result<(), CommandError> {
        self.stop.cancel();
        self.supervisor
            .await
            .map_err(|panicked| CommandError::Broken(broken("its supervisor", &panicked)))?
    }
}

/// Waits until it shall stop, or until a part ends by itself, and ends the parts: first the ports, then the engine, so that
/// what was said over them is written.
async fn supervise(
    parts: Parts,
    stop: CancellationToken,
    broke: CancellationToken,
) -> Result<(), CommandError> {
    let Parts {
        engine,
        mut server,
        side,
        stop_ports,
        stop_engine,
    } = parts;
    let _broke = broke.clone().drop_guard();
    let mut side = std::pin::pin!(ended(side));
    let mut engine = std::pin::pin!(engine.stopped());
    let mut engine_ended = None;
    let mut server_ended = None;
    let cause = tokio::select! {
        () = stop.cancelled() => None,
        result = &mut engine => {
            let cause = of_engine(&result);
            engine_ended = Some(result);
            Some(cause)
        }
        result = &mut server => {
            let cause = of_port("the port of the coordinator", &result);
            server_ended = Some(result);
            Some(cause)
        }
        result = &mut side => Some(of_port("the port of metrics and probes", &result)),
    };
    if let Some(cause) = &cause {
        tracing::error!(cause, "the coordinator broke: it ends, to be started again");
        broke.cancel();
    }
    stop_ports.cancel();
    let patience = if cause.is_some() {
        LAST_WORDS
    } else {
        Duration::MAX
    };
    let server_ended = match server_ended {
        Some(result) => Some(result),
        None => timeout(patience, &mut server).await.ok(),
    };
    stop_engine.cancel();
    let engine_ended = match engine_ended {
        Some(result) => Some(result),
        None => timeout(patience, &mut engine).await.ok(),
    };
    if let Some(cause) = cause {
        return Err(CommandError::Broken(cause));
    }
    if let Some(Err(_)) = &engine_ended {
        return Err(CommandError::Broken(of_engine(
            &engine_ended.unwrap_or(Ok(())),
        )));
    }
    match server_ended {
        Some(Ok(Err(error))) => Err(CommandError::Other(error_chain(&error))),
        Some(Err(panicked)) => Err(CommandError::Broken(broken("its port", &panicked))),
        _ => Ok(()),
    }
}

/// What a part that may be missing ended with; never where it is missing.
async fn ended<T>(part: Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match part {
        Some(part) => part.await,
        None => std::future::pending().await,
    }
}

fn of_engine(ended: &Result<(), EngineError>) -> String {
    match ended {
        Ok(()) => "the engine ended although nobody stopped it".to_owned(),
        Err(error) => error_chain(error),
    }
}

fn of_port<E: std::error::Error>(what: &str, ended: &Result<Result<(), E>, JoinError>) -> String {
    match ended {
        Ok(Ok(())) => format!("{what} closed although nobody stopped it"),
        Ok(Err(error)) => format!("{what} closed: {}", error_chain(error)),
        Err(panicked) => broken(what, panicked),
    }
}

fn broken(what: &str, panicked: &JoinError) -> String {
    format!("{what} ended: {panicked}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coordinator::service::Limits;
    use coordinator::{Config, Metrics, Opening, SystemClock, sweep_language};

    use super::*;
    use crate::exit_code;

    /// A port that is open until its token says so.
    fn port<E: Send + 'static>(stop: &CancellationToken) -> JoinHandle<Result<(), E>> {
        let stop = stop.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            Ok(())
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_part_that_ends_by_itself_ends_the_coordinator_with_a_code_of_its_own() {
        for (part, says) in [
            ("engine", "engine"),
            ("port", "port of the coordinator"),
            ("side port", "metrics"),
            ("", ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let [engine_ends, port_ends, side_ends] = [(); 3].map(|()| CancellationToken::new());
            let clock = Arc::new(SystemClock::start());
            let config = Config::new(folder.path());
            let engine = Engine::start(config, clock, sweep_language(), engine_ends.clone());
            let limits = Limits::default();
            let health = Health::starting(
                Opening::default(),
                folder.path(),
                &limits,
                Metrics::new(),
                "0",
            );
            let parts = Parts {
                engine: engine.await.unwrap(),
                server: port(&port_ends),
                side: Some(port(&side_ends)),
                stop_ports: port_ends.clone(),
                stop_engine: engine_ends.clone(),
            };
            let address = SocketAddr::from(([127, 0, 0, 1], 0));
            let serving = Serving::new(address, None, StateKind::Training, health, parts);
            match part {
                "engine" => engine_ends.cancel(),
                "port" => port_ends.cancel(),
                "side port" => side_ends.cancel(),
                _ => {
                    assert!(serving.stop().await.is_ok());
                    continue;
                }
            }
            serving.broke().await;
            let error = serving.stop().await.unwrap_err();
            assert_eq!(error.exit_code(), exit_code::COORDINATOR_BROKE);
            assert!(error.to_string().contains(says), "{part}: {error}");
        }
    }
}
