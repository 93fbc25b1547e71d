//! Who may call what.
//!
//! A token has a [`Role`], a call needs one; both sides stand in tables. [`Access`] is asked before the body of a call is
//! read, so that a stranger costs headers alone.

mod auth_layer;
mod authorized_body;
pub(crate) mod role;
mod token;

use std::sync::Arc;
use std::time::Duration;

use proto::{Reason, refuse};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

pub(super) use auth_layer::AuthLayer;
pub use role::Role;
pub use token::{TokenDigest, TokenEntry, TokenFile, TokenFileError, token_of};

use role::{Need, need};

/// How often the token file is looked at: within a second a revoked token opens nothing, and what it opened is closed.
const RELOAD: Duration = Duration::from_millis(500);
/// The longest token that is looked at.
const TOKEN_BYTES: usize = 4096;

/// Who may call. Cheap to clone; all clones see a reload.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Whoever is let in hears of a change here.
    tokens: watch::Sender<Known>,
    /// A token beside those of the file, for admins.
    fixed: Option<TokenDigest>,
    file: Option<TokenFile>,
}

/// The tokens; `None`: nobody is asked for one.
type Known = Option<Arc<[Token]>>;

/// What is known of a token.
#[derive(Debug, Clone)]
struct Token {
    digest: TokenDigest,
    name: Arc<str>,
    role: Role,
}

impl Access {
    /// Nobody is asked for a token.
    pub fn open() -> Self {
        Self::default()
    }

    /// One token, for everything.
    pub fn one(token: &str) -> Self {
        Self::from_tokens([("the token", Role::Admin, token)])
    }

    /// These tokens: name, role, token.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = (&'a str, Role, &'a str)>) -> Self {
        let known = tokens
            .into_iter()
            .map(|(name, role, token)| Token {
                digest: TokenDigest::of(token.as_bytes()),
                name: name.into(),
                role,
            })
            .collect();
        Self {
            tokens: watch::Sender::new(Some(known)),
            ..Self::default()
        }
    }

    /// The tokens of a file, if there is one, and `admin` beside them. Where there is neither, nobody is asked, until the
    /// file comes up.
    ///
    /// # Errors
    /// [`TokenFileError`].
    pub fn from_file(file: TokenFile, admin: Option<&str>) -> Result<Self, TokenFileError> {
        let access = Self {
            tokens: watch::Sender::default(),
            fixed: admin.map(|token| TokenDigest::of(token.as_bytes())),
            file: Some(file),
        };
        access.reload()?;
        Ok(access)
    }

    /// Whether a token is asked for.
    pub fn is_guarded(&self) -> bool {
        self.known().is_some()
    }

    /// Takes the tokens from the file again. A file that went away takes its tokens with it, and opens nothing.
    ///
    /// # Errors
    /// [`TokenFileError`]; the tokens stay as they were.
    pub fn reload(&self) -> Result<(), TokenFileError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let fixed = self.fixed.map(|digest| Token {
            digest,
            name: "--token-file".into(),
            role: Role::Admin,
        });
        let entries = file.read()?;
        let guarded = self.is_guarded() || fixed.is_some() || entries.is_some();
        let known: Arc<[Token]> = entries
            .unwrap_or_default()
            .into_iter()
            .filter_map(|entry| {
                Some(Token {
                    digest: entry.digest()?,
                    name: entry.name.into(),
                    role: entry.role,
                })
            })
            .chain(fixed)
            .collect();
        self.tokens.send_replace(guarded.then_some(known));
        Ok(())
    }

    /// Looks at the file again and again.
    pub async fn follow(self, shutdown: CancellationToken) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let mut seen = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(RELOAD) => {}
                () = shutdown.cancelled() => return,
            }
            let stamp = file.stamp();
            if seen == Some(stamp) {
                continue;
            }
            let first = seen.replace(stamp).is_none();
            match self.reload() {
                Ok(()) if first => {}
                Ok(()) => tracing::info!(path = %file.path().display(), "the tokens changed"),
                Err(error) => {
                    tracing::error!(%error, "the tokens stay as they were");
                }
            }
        }
    }

    fn known(&self) -> Known {
        self.tokens.borrow().clone()
    }

    /// Whether the bearer of `authorization` may make the call of that path.
    ///
    /// # Errors
    /// A status that says what is needed.
    pub(super) fn check(&self, path: &str, authorization: Option<&[u8]>) -> Result<(), Status> {
        match need(path) {
            Need::Nothing => Ok(()),
            Need::One(roles) => self.demand(path, roles, authorization),
        }
    }

    /// Whether that call needs no token, even where the coordinator has tokens.
    pub(super) fn is_for_strangers(&self, path: &str) -> bool {
        self.is_guarded() && need(path) == Need::Nothing
    }

    /// Whether the bearer may read.
    pub(super) fn check_read(&self, authorization: Option<&[u8]>) -> Result<(), Status> {
        const READERS: &[Role] = &[Role::Read, Role::Submit, Role::Worker, Role::Admin];
        self.demand("/metrics", READERS, authorization)
    }

    fn demand(
        &self,
        path: &str,
        roles: &[Role],
        authorization: Option<&[u8]>,
    ) -> Result<(), Status> {
        let Some(known) = self.known() else {
            return Ok(());
        };
        let Some(sent) = authorization.and_then(|value| value.strip_prefix(b"Bearer ")) else {
            return Err(refuse(
                Reason::Unauthenticated,
                "a token is needed (--token-file FILE, or GCL_TOKEN_FILE)",
            ));
        };
        let mut found = None;
        if sent.len() <= TOKEN_BYTES {
            let digest = TokenDigest::of(sent);
            // To the end of the list whatever is found: the time tells nothing.
            for one in known.iter() {
                if one.digest.is(&digest) {
                    found = Some(one);
                }
            }
        }
        let Some(one) = found else {
            return Err(refuse(
                Reason::Unauthenticated,
                "the token is not known here, or was revoked (`gcl-sweep token list` shows those that are)",
            ));
        };
        if roles.contains(&one.role) {
            return Ok(());
        }
        let wanted: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let call = path.rsplit('/').next().unwrap_or(path);
        Err(refuse(
            Reason::PermissionDenied,
            format!(
                "the token `{}` has the role {}, and {call} needs {}",
                one.name,
                one.role.name(),
                wanted.join(" or ")
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::nouns::Timestamp;
    use tonic::Code;

    const SUBMIT: &str = "/sweep.v1.ClientService/Submit";
    const STATUS: &str = "/sweep.v1.ClientService/Status";

    fn code(access: &Access, path: &str, authorization: Option<&str>) -> Code {
        access
            .check(path, authorization.map(str::as_bytes))
            .map_or_else(|status| status.code(), |()| Code::Ok)
    }

    #[test]
    fn a_role_opens_its_calls_and_no_others() {
        let access =
            Access::from_tokens([("r", Role::Read, "read"), ("s", Role::Submit, "submit")]);
        assert_eq!(code(&access, STATUS, Some("Bearer read")), Code::Ok);
        assert_eq!(
            code(&access, SUBMIT, Some("Bearer read")),
            Code::PermissionDenied
        );
        assert_eq!(code(&access, SUBMIT, Some("Bearer submit")), Code::Ok);
        for wrong in [
            None,
            Some(""),
            Some("Bearer "),
            Some("Bearer rea"),
            Some("bearer read"),
            Some("read"),
        ] {
            assert_eq!(
                code(&access, STATUS, wrong),
                Code::Unauthenticated,
                "{wrong:?}"
            );
        }
        let told = access.check(SUBMIT, Some(b"Bearer read")).unwrap_err();
        assert_eq!(
            told.message(),
            "the token `r` has the role read, and Submit needs submit or admin"
        );
        assert_eq!(Reason::of(&told), Some(Reason::PermissionDenied));
        assert_eq!(
            code(&access, "/grpc.health.v1.Health/Check", None),
            Code::Ok
        );
        assert_eq!(code(&Access::open(), SUBMIT, None), Code::Ok);
    }

    #[test]
    fn a_running_coordinator_sees_new_and_revoked_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of_state(folder.path());
        let access = Access::from_file(file.clone(), None).unwrap();
        assert_eq!(code(&access, SUBMIT, None), Code::Ok, "no token, no lock");
        let (_, token) = file
            .create("a", Role::Admin, [3; 32], Timestamp(1))
            .unwrap();
        access.reload().unwrap();
        let bearer = format!("Bearer {token}");
        assert_eq!(code(&access, SUBMIT, None), Code::Unauthenticated);
        assert_eq!(code(&access, SUBMIT, Some(&bearer)), Code::Ok);

        // A damaged file changes nothing.
        let good = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), "nonsense").unwrap();
        assert!(access.reload().is_err());
        assert_eq!(code(&access, SUBMIT, Some(&bearer)), Code::Ok);
        std::fs::write(file.path(), good).unwrap();

        file.revoke("a").unwrap();
        access.reload().unwrap();
        assert_eq!(code(&access, SUBMIT, Some(&bearer)), Code::Unauthenticated);
        // Removing the file does not unlock.
        std::fs::remove_file(file.path()).unwrap();
        access.reload().unwrap();
        assert_eq!(code(&access, SUBMIT, None), Code::Unauthenticated);
    }

    #[test]
    fn the_token_of_a_file_of_its_own_is_an_admins() {
        let folder = tempfile::tempdir().unwrap();
        let access =
            Access::from_file(TokenFile::of_state(folder.path()), Some("open sesame")).unwrap();
        assert!(access.is_guarded());
        assert_eq!(code(&access, SUBMIT, Some("Bearer open sesame")), Code::Ok);
        assert_eq!(code(&access, SUBMIT, None), Code::Unauthenticated);
    }
}
