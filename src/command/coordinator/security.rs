//! Who may talk to a coordinator, and what its ports must have for that.

use std::net::SocketAddr;
use std::path::Path;

use coordinator::service::{Access, Limits, Tls, TokenFile, check_exposure};
use coordinator::state::Mark;
use proto::error_chain;
use proto::nouns::StateKind;

use crate::arguments::Coordinator;
use crate::client::{read_bytes, read_token};
use crate::error::CommandError;

/// Who may talk to a coordinator, what about and how much.
#[derive(Debug, Clone, Default)]
pub struct Security {
    pub(super) access: Access,
    pub(super) tls: Option<Tls>,
    pub(super) insecure: bool,
    pub(super) limits: Limits,
    pub(super) longest_artifact: Option<u64>,
    /// Bytes that are left free for the journal.
    pub(super) reserve: Option<u64>,
    /// The side port.
    pub(super) http: Option<SocketAddr>,
    /// Names by which browsers may call it.
    pub(super) http_names: Vec<String>,
    /// What its jobs are.
    pub(super) kind: StateKind,
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

    /// The same, with a side port on this machine for the live page.
    #[must_use]
    pub fn with_live_page(self) -> Self {
        Self {
            http: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            ..self
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

    pub(super) fn read(arguments: &Coordinator, state: &Path) -> Result<Self, CommandError> {
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
            .map_err(|error| CommandError::Store(error_chain(&error)))?;
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
            http_names: arguments.http_host.clone(),
            kind: if arguments.noop {
                StateKind::Noop
            } else {
                StateKind::Training
            },
        })
    }

    /// Whether a port may listen there.
    pub(super) fn check(&self, address: SocketAddr) -> Result<(), CommandError> {
        check_exposure(
            address,
            self.tls.is_some(),
            self.access.is_guarded(),
            self.insecure,
        )
        .map_err(|error| CommandError::Usage(error.to_string()))
    }
}

/// Whether the coordinator of a folder that was guarded once would be open to everybody now.
pub(super) fn stay_guarded(state: &Path, security: &Security) -> Result<(), CommandError> {
    if security.access.is_guarded() || security.insecure || !Mark::Guarded.is_on(state) {
        return Ok(());
    }
    let state = state.display();
    Err(CommandError::Usage(format!(
        "callers of the coordinator of {state} needed tokens, and there are none now: make one (`gcl-sweep token create --state {state} --role admin --out FILE`), name those that there are (--tokens, --token-file), or open it to everybody with --insecure"
    )))
}
