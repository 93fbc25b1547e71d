//! Who may call what.
//!
//! A token has a [`Role`], a call needs one; both sides stand in tables. [`Access`] is asked before the body of a call is
//! read, so that a stranger costs headers alone.

mod auth_layer;
mod authorized_body;
pub(crate) mod role;
mod session;
mod token;

use std::sync::Arc;
use std::time::Duration;

use proto::{Reason, refuse};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

pub(super) use auth_layer::AuthLayer;
pub(super) use authorized_body::Revoked;
pub use role::Role;
pub(super) use session::{LASTS as SESSION_LASTS, Proof, SessionKey};
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

/// Who is let in.
#[derive(Debug, Clone, Default)]
enum Known {
    /// Everybody: there are no tokens.
    #[default]
    Open,
    /// Who has one of these.
    Tokens(Arc<[Token]>),
    /// The tokens cannot be read: who has one that does not come from their file. Everybody else is asked to come again,
    /// since nobody knows which tokens are revoked.
    Closed {
        /// The tokens from elsewhere.
        tokens: Arc<[Token]>,
        /// Why the others cannot be read, for whoever runs the coordinator.
        why: Arc<str>,
    },
}

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
            tokens: watch::Sender::new(Known::Tokens(known)),
            ..Self::default()
        }
    }

    /// The tokens of a file, if there is one, and `admin` beside them. Where there is neither, nobody is asked, until the
    /// file comes up.
    ///
    /// # Errors
    /// [`TokenFileError`].
    pub fn from_file(file: TokenFile, admin: Option<&str>) -> Result<Self, TokenFileError> {
        // Whether it can be used is seen when it is read.
        if let Ok(true) = file.close_to_the_group() {
            tracing::warn!(
                path = %file.path().display(),
                "the group of the token file could read or write it: its permissions were taken back"
            );
        }
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
        !matches!(self.known(), Known::Open)
    }

    /// Why the tokens cannot be read, where they cannot.
    pub(super) fn trouble(&self) -> Option<Arc<str>> {
        match self.known() {
            Known::Closed { why, .. } => Some(why),
            Known::Open | Known::Tokens(_) => None,
        }
    }

    /// Takes the tokens from the file again. A file that went away takes its tokens with it, and opens nothing.
    ///
    /// # Errors
    /// [`TokenFileError`]: nobody is let in by a token of that file until it can be read, since nobody knows which of them
    /// were revoked.
    pub fn reload(&self) -> Result<(), TokenFileError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let fixed = self.fixed.map(|digest| Token {
            digest,
            name: "--token-file".into(),
            role: Role::Admin,
        });
        let entries = match file.read() {
            Ok(entries) => entries,
            Err(error) => {
                self.tokens.send_replace(Known::Closed {
                    tokens: fixed.into_iter().collect(),
                    why: error.to_string().into(),
                });
                return Err(error);
            }
        };
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
        self.tokens.send_replace(if guarded {
            Known::Tokens(known)
        } else {
            Known::Open
        });
        Ok(())
    }

    /// Looks at the file again and again.
    pub async fn follow(self, shutdown: CancellationToken) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let mut seen = None;
        let mut said = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(RELOAD) => {}
                () = shutdown.cancelled() => return,
            }
            let stamp = file.stamp();
            // What cannot be read is tried again, whether or not it changed: a folder above it may have.
            if seen == Some(stamp) && self.trouble().is_none() {
                continue;
            }
            let first = seen.replace(stamp).is_none();
            match self.reload() {
                Ok(()) => {
                    if said.take().is_some() {
                        tracing::info!(path = %file.path().display(), "the tokens can be read again");
                    } else if !first {
                        tracing::info!(path = %file.path().display(), "the tokens changed");
                    }
                }
                Err(error) => {
                    let why = error.to_string();
                    if said.as_ref() != Some(&why) {
                        tracing::error!(
                            error = why,
                            "nobody is let in by a token until they can be read"
                        );
                        said = Some(why);
                    }
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
            Need::One(roles) => self.demand(roles, authorization),
        }
    }

    /// Whether that call needs no token, even where the coordinator has tokens.
    pub(super) fn is_for_strangers(&self, path: &str) -> bool {
        self.is_guarded() && need(path) == Need::Nothing
    }

    /// Whether the bearer may read.
    pub(super) fn check_read(&self, authorization: Option<&[u8]>) -> Result<(), Status> {
        const READERS: &[Role] = &[Role::Read, Role::Submit, Role::Worker, Role::Admin];
        self.demand(READERS, authorization)
    }

    fn demand(&self, roles: &[Role], authorization: Option<&[u8]>) -> Result<(), Status> {
        match self.bearer(authorization)? {
            None => Ok(()),
            Some(one) => one.demand(roles),
        }
    }

    /// Whose token that is; `None` where nobody is asked for one.
    fn bearer(&self, authorization: Option<&[u8]>) -> Result<Option<Token>, Status> {
        if !self.is_guarded() {
            return Ok(None);
        }
        let Some(sent) = authorization.and_then(|value| value.strip_prefix(b"Bearer ")) else {
            return Err(refuse(
                Reason::Unauthenticated,
                "a token is needed (--token-file FILE, or GCL_TOKEN_FILE)",
            ));
        };
        // What is longer than any token is none, and not hashed.
        let digest = (sent.len() <= TOKEN_BYTES).then(|| TokenDigest::of(sent));
        self.find(|token| digest.is_some_and(|digest| token.digest.is(&digest)))
    }

    /// The token that is meant; `None` where nobody is asked for one.
    fn find(&self, is_meant: impl Fn(&Token) -> bool) -> Result<Option<Token>, Status> {
        let (known, is_closed) = match self.known() {
            Known::Open => return Ok(None),
            Known::Tokens(known) => (known, false),
            Known::Closed { tokens, .. } => (tokens, true),
        };
        let mut found = None;
        // To the end of the list whatever is found: the time tells nothing.
        for one in known.iter() {
            if is_meant(one) {
                found = Some(one);
            }
        }
        match found {
            Some(one) => Ok(Some(one.clone())),
            // Not the caller's fault, and over some time: workers keep what they have and come again.
            None if is_closed => Err(refuse(
                Reason::Unavailable,
                "the coordinator cannot read its tokens and lets nobody in until it can: its log says why",
            )),
            None => Err(refuse(
                Reason::Unauthenticated,
                "the token is not known here, or was revoked (`gcl-sweep token list` shows those that are)",
            )),
        }
    }
}

impl Token {
    /// Whether its role is one of these.
    fn demand(&self, roles: &[Role]) -> Result<(), Status> {
        if roles.contains(&self.role) {
            return Ok(());
        }
        let wanted: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        Err(refuse(
            Reason::PermissionDenied,
            format!(
                "the token `{}` has the role {}, and this needs {}",
                self.name,
                self.role.name(),
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
            "the token `r` has the role read, and this needs submit or admin"
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

        // A damaged file lets nobody in: nobody knows what was revoked. Callers are to come again.
        let good = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), "nonsense").unwrap();
        assert!(access.reload().is_err());
        assert_eq!(code(&access, SUBMIT, Some(&bearer)), Code::Unavailable);
        assert_eq!(code(&access, SUBMIT, None), Code::Unauthenticated);
        assert!(access.trouble().unwrap().contains("tokens.json"));
        std::fs::write(file.path(), good).unwrap();
        access.reload().unwrap();
        assert_eq!(access.trouble(), None);
        assert_eq!(code(&access, SUBMIT, Some(&bearer)), Code::Ok);

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
        // It is not of the file that cannot be read.
        std::fs::create_dir(folder.path().join("tokens.json")).unwrap();
        assert!(access.reload().is_err());
        assert_eq!(code(&access, SUBMIT, Some("Bearer open sesame")), Code::Ok);
        assert_eq!(
            code(&access, SUBMIT, Some("Bearer other")),
            Code::Unavailable
        );
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_that_can_be_read_again_let_in_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of_state(folder.path());
        let (_, token) = file
            .create("a", Role::Admin, [3; 32], Timestamp(1))
            .unwrap();
        let access = Access::from_file(file.clone(), None).unwrap();
        let stop = CancellationToken::new();
        let following = tokio::spawn(access.clone().follow(stop.clone()));
        let bearer = format!("Bearer {token}");
        let becomes = async |wanted| {
            while code(&access, SUBMIT, Some(&bearer)) != wanted {
                tokio::time::sleep(RELOAD).await;
            }
        };
        let away = folder.path().join("away");
        std::fs::rename(file.path(), &away).unwrap();
        std::fs::create_dir(file.path()).unwrap();
        becomes(Code::Unavailable).await;
        std::fs::remove_dir(file.path()).unwrap();
        std::fs::rename(&away, file.path()).unwrap();
        becomes(Code::Ok).await;
        stop.cancel();
        following.await.unwrap();
    }
}
