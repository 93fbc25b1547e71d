//! A coordinator as the command line reaches it: address, keys, and what its refusals mean for the person who asked.

use std::ops::Deref;
use std::path::Path;

use client::{Bearer, Keys};
use client::{CallError, Caller};
use proto::Reason;
use proto::nouns::{SweepInfo, SweepSummary};
use sweeps::{CellResult, JobId};
use tonic::transport::Channel;

use crate::arguments::Connection;
use crate::error::{CommandError, chain};

/// A coordinator, to be asked: a [`Caller`] that remembers whom it calls.
pub struct Client {
    caller: Caller,
    address: String,
}

impl Deref for Client {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Whether a coordinator that refuses for that reason does not let the caller in.
fn locks_out(reason: Reason) -> bool {
    matches!(reason, Reason::Unauthenticated | Reason::PermissionDenied)
}

impl Client {
    /// The coordinator at that address. The connection comes up with the first question.
    pub fn new(connection: &Connection) -> Result<Self, CommandError> {
        let (channel, bearer) = dial(connection)?;
        Ok(Self {
            caller: Caller::new(channel, bearer),
            address: connection.coordinator.clone(),
        })
    }

    /// What a failed call means at the command line.
    pub fn failed(&self, error: CallError) -> CommandError {
        let address = &self.address;
        match error {
            CallError::InvalidSweep(rendered) => CommandError::Input(rendered),
            CallError::Unreachable(cause) => CommandError::Unreachable(format!(
                "cannot reach the coordinator at {address}: {cause}\n\n\
                 hint: is `gcl-sweep coordinator` running there? --coordinator URL, or GCL_COORDINATOR, names another"
            )),
            CallError::Refused { reason, message } => match reason {
                Some(Reason::Storage) => CommandError::Store(message),
                Some(reason) if locks_out(reason) => CommandError::Unreachable(format!(
                    "the coordinator at {address} refuses: {message}"
                )),
                Some(Reason::UnknownSweep | Reason::UnknownJob | Reason::NoSuchWorker) => {
                    CommandError::Usage(message)
                }
                Some(_) => CommandError::Input(message),
                None => {
                    CommandError::Other(format!("the coordinator at {address} answers: {message}"))
                }
            },
            other => CommandError::Other(chain(&other)),
        }
    }

    /// Whether it answers and does not let this caller in.
    pub async fn is_locked_out(&self) -> bool {
        matches!(
            self.caller.sweeps().await,
            Err(CallError::Refused { reason: Some(reason), .. }) if locks_out(reason)
        )
    }

    /// All sweeps.
    pub async fn sweeps(&self) -> Result<Vec<SweepSummary>, CommandError> {
        self.caller
            .sweeps()
            .await
            .map_err(|error| self.failed(error))
    }

    /// Everything about a sweep but its cells.
    pub async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        self.caller
            .sweep_info(sweep)
            .await
            .map_err(|error| self.failed(error))
    }

    /// The cells of a sweep.
    pub async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        self.caller
            .cells(sweep)
            .await
            .map_err(|error| self.failed(error))
    }

    /// The job whose id begins like this.
    ///
    /// # Errors
    /// None, or more than one.
    pub async fn find_job(&self, prefix: &str) -> Result<JobId, CommandError> {
        if let Ok(id) = prefix.parse() {
            return Ok(id);
        }
        let found = self
            .find_jobs(prefix, 6)
            .await
            .map_err(|error| self.failed(error))?;
        match found[..] {
            [job] => Ok(job),
            [] => Err(CommandError::Usage(format!(
                "no job's id begins with `{prefix}`"
            ))),
            _ => {
                let ids: Vec<String> = found.iter().map(JobId::short).collect();
                Err(CommandError::Usage(format!(
                    "several jobs' ids begin with `{prefix}` ({}, …): type more of it",
                    ids.join(", ")
                )))
            }
        }
    }
}

/// The way to a coordinator, and the token that goes with every call.
pub fn dial(connection: &Connection) -> Result<(Channel, Bearer), CommandError> {
    let token = connection
        .token_file
        .as_deref()
        .map(read_token)
        .transpose()?;
    let bearer = Bearer::new(token.as_deref()).ok_or_else(|| {
        CommandError::Usage("the token has characters that cannot be sent: one line of printable characters is expected".into())
    })?;
    let authority = connection.ca.as_deref().map(read_bytes).transpose()?;
    let identity = match (&connection.certificate, &connection.key) {
        (Some(certificate), Some(key)) => Some((read_bytes(certificate)?, read_bytes(key)?)),
        _ => None,
    };
    let keys = Keys {
        authority,
        identity,
    };
    let channel = client::dial(&connection.coordinator, &keys)
        .map_err(|error| CommandError::Usage(chain(&error)))?;
    Ok((channel, bearer))
}

/// The token in a file: its text without white space around it.
pub fn read_token(path: &Path) -> Result<String, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CommandError::Usage(format!(
            "cannot read the token file {}: {error}",
            path.display()
        ))
    })?;
    Ok(text.trim().to_owned())
}

/// A key or certificate.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path)
        .map_err(|error| CommandError::Usage(format!("cannot read {}: {error}", path.display())))
}
