//! The coordinator inside `run` and `rehearse`: on a loopback port of its own, for the user who typed the command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::nouns::StateKind;

use crate::client::Client;
use crate::command::coordinator::{Security, Serving, serve};
use crate::door::{self, Door, Token};
use crate::error::CommandError;

/// A lease of a worker on the same machine: long enough for a machine that swaps, short enough that a killed worker's
/// job is taken up soon.
const LEASE: Duration = Duration::from_secs(10);

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
    ) -> Result<Self, CommandError> {
        let token = Token::draw()?;
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let serving = serve(state, listen, &security.guarded_by(token.text()), LEASE)
            .await
            .map_err(|error| said_of_another(error, state))?;
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

    /// Lets nobody in any more, lets running calls end, and stops.
    ///
    /// # Errors
    /// What is left cannot be written.
    pub async fn stop(self) -> Result<(), CommandError> {
        drop(self.door);
        self.serving.stop().await
    }
}

/// Where the folder is in use by a run of the same user, that one can be asked.
fn said_of_another(error: CommandError, state: &Path) -> CommandError {
    match error {
        CommandError::Store(text) if door::is_under_way(state) => CommandError::Store(format!(
            "{text}\n\nhint: a `run` is under way there: `gcl-sweep status --out {}` asks it",
            state.display()
        )),
        other => other,
    }
}
