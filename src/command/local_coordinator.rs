//! The coordinator inside `run` and `rehearse`: on a loopback port of its own, for the user who typed the command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use coordinator::EngineHandle;
use coordinator::service::live_address;
use proto::nouns::StateKind;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::command::coordinator::{Security, Serving, serve};
use crate::door::{self, Door, Token};
use crate::error::CommandError;
use crate::output::say;

/// A lease of a worker on the same machine: long enough for a machine that swaps, short enough that a killed worker's
/// job is taken up soon.
const LEASE: Duration = Duration::from_secs(10);
/// Between two tries to have a state folder that is in use.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a folder is tried whose holder does not say that it is ending: one that was signalled may not have come to it.
const TRIES: u32 = 10;

/// A coordinator that answers whoever has its token.
pub struct LocalCoordinator {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    token: Token,
    serving: Serving,
    door: Door,
}

impl LocalCoordinator {
    /// Opens the state folder for that command, whose results go into `out`.
    ///
    /// # Errors
    /// A folder that cannot be used, or that another coordinator has.
    pub async fn start(
        command: &str,
        out: &Path,
        state: &Path,
        security: Security,
        stop: &CancellationToken,
    ) -> Result<Self, CommandError> {
        let token = Token::draw()?;
        let security = security.guarded_by(token.text());
        let serving = serve_when_free(state, &security, stop).await?;
        let address = format!("http://{}", serving.address);
        let door = Door::open(state, command, &address, &token)
            .and_then(|mut door| door.announce_in(out, state).map(|()| door));
        match door {
            Ok(door) => Ok(Self {
                address,
                token,
                serving,
                door,
            }),
            Err(error) => {
                serving.stop().await?;
                Err(error)
            }
        }
    }

    /// What its jobs are.
    pub fn kind(&self) -> StateKind {
        self.serving.kind
    }

    /// The address of the live page of a sweep, with the token behind a `#`, which no browser sends; `None`: it has none.
    pub fn live_page(&self, sweep: &str) -> Option<String> {
        let http = self.serving.http?;
        Some(live_address(http, sweep, self.token.text()))
    }

    /// Its engine, for what only the process that it runs in may do.
    pub fn engine(&self) -> EngineHandle {
        self.serving.engine()
    }

    /// The file that lets its workers in.
    pub fn token_file(&self) -> PathBuf {
        self.door.token_file()
    }

    /// Asks it.
    ///
    /// # Errors
    /// The address is none.
    pub fn client(&self) -> Result<Client, CommandError> {
        Client::of_local(&self.address, &self.token)
    }

    /// Waits until it has broken down; [`Self::stop`] then says why.
    pub async fn broke(&self) {
        self.serving.broke().await;
    }

    /// Says that this command is ending: the same command, typed again, waits for that.
    pub fn ending(&self) {
        self.door.ending();
    }

    /// Lets running calls end, and stops. The door stays until the folder is free.
    ///
    /// # Errors
    /// What is left cannot be written.
    pub async fn stop(self) -> Result<(), CommandError> {
        self.door.ending();
        let stopped = self.serving.stop().await;
        drop(self.door);
        stopped
    }
}

/// Opens the state folder. Where a run that is ending still has it (it hands its jobs back, writes its report), that is waited
/// for: whoever interrupts a command and types it again wants it to go on.
async fn serve_when_free(
    state: &Path,
    security: &Security,
    stop: &CancellationToken,
) -> Result<Serving, CommandError> {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut tries = 0;
    let mut is_said = false;
    loop {
        let error = match serve(state, listen, security, LEASE).await {
            Err(error @ CommandError::InUse(_)) => error,
            served => return served,
        };
        tries += 1;
        if door::is_ending(state) {
            if !is_said {
                say("the run before this one is ending: waiting for it");
                is_said = true;
            }
            tries = 0;
        } else if tries > TRIES {
            return Err(said_of_another(error, state));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => {
                return Err(CommandError::Interrupted("interrupted before it began".into()));
            }
        }
    }
}

/// Where the folder is in use by a run of the same user, that one can be asked.
fn said_of_another(error: CommandError, state: &Path) -> CommandError {
    match error {
        CommandError::InUse(text) if door::is_under_way(state) => CommandError::InUse(format!(
            "{text}\n\nhint: a `run` is under way there: `gcl-sweep status --out {}` asks it",
            state.display()
        )),
        other => other,
    }
}
