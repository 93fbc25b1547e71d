//! A coordinator as the command line reaches it: address, keys, and what its refusals mean for the person who asked.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use client::{Bearer, CallError, Keys};
use proto::Reason;
use proto::error_chain;
use proto::nouns::{SweepInfo, SweepSummary};
use sweeps::{CellResult, JobId};
use tonic::transport::Channel;

use crate::arguments::{Connection, Endpoint};
use crate::door::{self, Found, Token};
use crate::error::CommandError;

/// A coordinator, to be asked: a [`client::Client`] that remembers whom it calls.
#[derive(Clone)]
pub struct Client {
    inner: client::Client,
    whom: Whom,
}

/// Whom a client asks, for messages.
#[derive(Clone)]
enum Whom {
    /// The coordinator at that address.
    Coordinator(String),
    /// The run whose folder that is, and where it listens.
    Run { out: PathBuf, address: String },
}

impl fmt::Display for Whom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinator(address) => write!(formatter, "the coordinator at {address}"),
            Self::Run { out, .. } => write!(formatter, "the run of {}", out.display()),
        }
    }
}

impl Whom {
    /// What to do where it cannot be reached.
    fn hint(&self) -> String {
        let Self::Coordinator(address) = self else {
            return "its machine may be too busy to answer; ask again".to_owned();
        };
        if let Some(right) = client::right_address(address) {
            return right;
        }
        if let Some(with_port) = client::with_usual_port(address) {
            return format!(
                "the address names no port; a coordinator's usual one is that of {with_port}"
            );
        }
        let mut hint = "is `gcl-sweep coordinator` running there? --coordinator URL, or GCL_COORDINATOR, names another".to_owned();
        // Whoever forgot --out after `run`.
        if let Some(out) = door::under_way_in(Path::new("out")) {
            hint += &format!(
                "; --out {} asks the `run` that is under way there",
                out.display()
            );
        }
        hint
    }
}

impl Deref for Client {
    type Target = client::Client;
    fn deref(&self) -> &client::Client {
        &self.inner
    }
}

/// Whether that cause is a certificate that does not fit.
fn tells_of_keys(cause: &str) -> bool {
    [
        "coordinator's certificate",
        "certificate of its callers",
        "this program's certificate",
    ]
    .iter()
    .any(|sign| cause.contains(sign))
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
            inner: client::Client::new(channel, bearer),
            whom: Whom::Coordinator(connection.address().to_owned()),
        })
    }

    /// The coordinator, or the run that is under way, of which the command line speaks.
    ///
    /// # Errors
    /// No run is under way there.
    pub fn open(endpoint: &Endpoint) -> Result<Self, CommandError> {
        match &endpoint.out {
            None => Self::new(&endpoint.connection),
            Some(out) => Self::of_run(out),
        }
    }

    /// The run whose folder that is.
    ///
    /// # Errors
    /// None is under way there.
    pub fn of_run(out: &Path) -> Result<Self, CommandError> {
        match door::find(out)? {
            Found::UnderWay(way) => Ok(Self {
                whom: Whom::Run {
                    out: out.to_owned(),
                    address: way.address.clone(),
                },
                ..Self::of_local(&way.address, &way.token)?
            }),
            Found::NotUnderWay { state, killed } => {
                Err(not_under_way(out, state.as_deref(), killed))
            }
        }
    }

    /// The coordinator at that address, with its token.
    ///
    /// # Errors
    /// They are none.
    pub fn of_local(address: &str, token: &Token) -> Result<Self, CommandError> {
        let bearer = Bearer::new(Some(token.text())).ok_or_else(bad_token)?;
        let channel = client::dial(address, &Keys::default())
            .map_err(|error| CommandError::Usage(error_chain(&error)))?;
        Ok(Self {
            inner: client::Client::new(channel, bearer),
            whom: Whom::Coordinator(address.to_owned()),
        })
    }

    /// Whom it asks, for messages.
    pub fn whom(&self) -> String {
        self.whom.to_string()
    }

    /// What a failed call means at the command line.
    pub fn failed(&self, error: CallError) -> CommandError {
        let whom = &self.whom;
        match error {
            CallError::Unreachable(_) | CallError::Unavailable(_) if self.has_ended() => {
                CommandError::Unreachable(format!("{whom} ended"))
            }
            CallError::InvalidSweep(rendered) => CommandError::Input(rendered),
            // A certificate that does not fit: the cause says what to do, and somebody does run there.
            CallError::Unreachable(cause) if tells_of_keys(&cause) => {
                CommandError::Unreachable(format!("cannot reach {whom}: {cause}"))
            }
            CallError::Unreachable(cause) => CommandError::Unreachable(format!(
                "cannot reach {whom}: {cause}\n\nhint: {}",
                whom.hint()
            )),
            CallError::Unavailable(message) => {
                CommandError::Unreachable(format!("{whom} answers: {message}"))
            }
            CallError::Refused { reason, message } => match reason {
                Some(Reason::Storage) => CommandError::Store(message),
                Some(reason) if locks_out(reason) => {
                    CommandError::Unreachable(format!("{whom} refuses: {message}"))
                }
                Some(Reason::UnknownSweep) => CommandError::Usage(format!(
                    "{message}: `gcl-sweep status` lists those that {whom} has"
                )),
                Some(Reason::UnknownJob | Reason::NoSuchWorker) => CommandError::Usage(message),
                Some(_) => CommandError::Input(message),
                None => CommandError::Other(format!("{whom} answers: {message}")),
            },
            other => CommandError::Other(error_chain(&other)),
        }
    }

    /// Whether it was a run that is not under way any more: one that is typed again has another address and another token.
    pub fn has_ended(&self) -> bool {
        match &self.whom {
            Whom::Coordinator(_) => false,
            Whom::Run { out, address } => !matches!(
                door::find(out),
                Ok(Found::UnderWay(way)) if way.address == *address
            ),
        }
    }

    /// Whether it answers and does not let this caller in.
    pub async fn is_locked_out(&self) -> bool {
        matches!(
            self.inner.sweeps().await,
            Err(CallError::Refused { reason: Some(reason), .. }) if locks_out(reason)
        )
    }

    /// All sweeps.
    pub async fn sweeps(&self) -> Result<Vec<SweepSummary>, CommandError> {
        self.inner
            .sweeps()
            .await
            .map_err(|error| self.failed(error))
    }

    /// Everything about a sweep but its cells.
    pub async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        self.inner
            .sweep_info(sweep)
            .await
            .map_err(|error| self.failed(error))
    }

    /// The cells of a sweep.
    pub async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        self.inner
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
                "no job's id begins with `{prefix}`: `gcl-sweep status SWEEP` lists a sweep's jobs"
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

fn bad_token() -> CommandError {
    CommandError::Usage(
        "the token has characters that cannot be sent: one line of printable characters is expected"
            .into(),
    )
}

/// Why nobody can be asked about that folder.
fn not_under_way(out: &Path, state: Option<&Path>, killed: Option<u32>) -> CommandError {
    let below = door::under_way_in(out);
    let out = out.display();
    let Some(state) = state else {
        let hint = below.map_or_else(
            || "--out names the folder that `run` was given, or out/NAME; --coordinator URL asks a coordinator".to_owned(),
            |below| format!("one is under way in {}", below.display()),
        );
        return CommandError::Unreachable(format!(
            "no run is under way in {out}, and none was: it has no state folder\n\nhint: {hint}"
        ));
    };
    let why = killed.map_or_else(String::new, |pid| {
        format!("; the last one (process {pid}) was killed")
    });
    CommandError::Unreachable(format!(
        "no run is under way in {out}{why}\n\nhint: the same `gcl-sweep run` goes on from there; `gcl-sweep report SWEEP --state {state} --out DIR` \
         shows what it has; while `gcl-sweep coordinator --state {state}` runs in another terminal, this command works without --out",
        state = state.display()
    ))
}

/// The way to a coordinator, and the token that goes with every call.
pub fn dial(connection: &Connection) -> Result<(Channel, Bearer), CommandError> {
    let token = connection
        .token_file
        .as_deref()
        .map(read_token)
        .transpose()?;
    let bearer = Bearer::new(token.as_deref()).ok_or_else(bad_token)?;
    let authority = connection.ca.as_deref().map(read_bytes).transpose()?;
    let identity = match (&connection.certificate, &connection.key) {
        (Some(certificate), Some(key)) => Some((read_bytes(certificate)?, read_bytes(key)?)),
        _ => None,
    };
    let keys = Keys {
        authority,
        identity,
    };
    let channel = client::dial(connection.address(), &keys)
        .map_err(|error| CommandError::Usage(error_chain(&error)))?;
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
