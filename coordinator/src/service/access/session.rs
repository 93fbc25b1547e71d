//! Sessions of browsers: a token that was shown once, and a cookie in its place.
//!
//! The cookie says until when it is good, and seals that with the token's digest under a key that this process drew at its start.
//! Nothing is kept of a session: a token that is revoked takes its sessions with it, and a restart takes all.

use std::time::Duration;

use proto::{Reason, refuse};
use tokio::time::Instant;
use tonic::Status;

use super::authorized_body::{Revoked, revoked};
use super::role::{Need, need};
use super::{Access, Role, Token};

/// How long a session lasts.
pub(in crate::service) const LASTS: Duration = Duration::from_hours(7 * 24);
/// Bytes of a cookie's text: sixteen digits, a dot, sixty-four digits.
const TEXT_BYTES: usize = 16 + 1 + 64;

/// What a browser shows of who it is.
#[derive(Debug, Clone)]
pub(in crate::service) enum Proof {
    /// Nothing, or a header `authorization`.
    Authorization(Option<Vec<u8>>),
    /// A cookie.
    Session(String),
}

/// What seals the sessions of this process.
#[derive(Clone)]
pub(in crate::service) struct SessionKey {
    key: [u8; 32],
    start: Instant,
}

impl SessionKey {
    /// With that secret.
    pub(in crate::service) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            start: Instant::now(),
        }
    }

    fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    fn text(&self, token: &Token, until: u64) -> String {
        let until = format!("{until:016x}");
        let seal = token.digest.seal(&self.key, until.as_bytes());
        format!("{until}.{}", seal.to_hex())
    }
}

impl Access {
    /// A session for whoever has that token and may read. `None` where nobody is asked for one.
    ///
    /// # Errors
    /// As for any call that reads.
    pub(in crate::service) fn open_session(
        &self,
        key: &SessionKey,
        token: &str,
    ) -> Result<Option<String>, Status> {
        let authorization = format!("Bearer {token}");
        let Some(token) = self.bearer(Some(authorization.as_bytes()))? else {
            return Ok(None);
        };
        token.may("/sweep.v1.ClientService/Status")?;
        Ok(Some(key.text(&token, key.seconds() + LASTS.as_secs())))
    }

    /// Whether whoever shows that may make the call of that path.
    ///
    /// # Errors
    /// A status that says what is needed.
    pub(in crate::service) fn allows(
        &self,
        key: &SessionKey,
        path: &str,
        proof: &Proof,
    ) -> Result<(), Status> {
        match self.shown(key, proof)? {
            None => Ok(()),
            Some(token) => token.may(path),
        }
    }

    /// Name and role of whoever shows that; `None` where nobody is asked.
    ///
    /// # Errors
    /// It proves nothing.
    pub(in crate::service) fn who(
        &self,
        key: &SessionKey,
        proof: &Proof,
    ) -> Result<Option<(String, Role)>, Status> {
        let token = self.shown(key, proof)?;
        Ok(token.map(|token| (token.name.to_string(), token.role)))
    }

    fn shown(&self, key: &SessionKey, proof: &Proof) -> Result<Option<Token>, Status> {
        let text = match proof {
            Proof::Authorization(authorization) => return self.bearer(authorization.as_deref()),
            Proof::Session(text) => text,
        };
        let ended = || {
            refuse(
                Reason::Unauthenticated,
                "the session has ended: sign in again",
            )
        };
        let until = text
            .get(..16)
            .filter(|_| text.len() == TEXT_BYTES)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .filter(|until| *until > key.seconds());
        let (Some(until), Some(seal)) = (until, text.get(17..)) else {
            return self.find(|_| false).map_err(|_| ended());
        };
        let Ok(seal) = blake3::Hash::from_hex(seal) else {
            return Err(ended());
        };
        let words = format!("{until:016x}");
        // `blake3::Hash` compares in constant time.
        self.find(|token| token.digest.seal(&key.key, words.as_bytes()) == seal)
            .map_err(|status| match Reason::of(&status) {
                Some(Reason::Unauthenticated) => ended(),
                _ => status,
            })
    }

    /// Waits until whoever shows that may no longer make the call of that path.
    pub(in crate::service) fn revoked(
        &self,
        key: &SessionKey,
        path: &'static str,
        proof: Proof,
    ) -> Revoked {
        let mut tokens = self.tokens.subscribe();
        // Asked once at the beginning: the tokens may have changed since somebody asked before.
        tokens.mark_changed();
        let (access, key) = (self.clone(), key.clone());
        revoked(tokens, move || access.allows(&key, path, &proof))
    }
}

impl Token {
    fn may(&self, path: &str) -> Result<(), Status> {
        match need(path) {
            Need::Nothing => Ok(()),
            Need::One(roles) => self.demand(roles),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    const STATUS: &str = "/sweep.v1.ClientService/Status";
    const CONTROL: &str = "/sweep.v1.ClientService/Control";

    #[tokio::test(start_paused = true)]
    async fn a_session_is_its_token_for_a_week_and_no_longer_than_the_token() {
        let access = Access::from_tokens([
            ("r", Role::Read, "read"),
            ("s", Role::Submit, "submit"),
            ("w", Role::Worker, "worker"),
        ]);
        let key = SessionKey::new([7; 32]);
        let open = |token| access.open_session(&key, token);
        let code = |proof: &str, path| {
            let proof = Proof::Session(proof.into());
            let answer = access.allows(&key, path, &proof);
            answer.map_or_else(|status| status.code(), |()| Code::Ok)
        };
        let read = open("read").unwrap().unwrap();
        assert!(!read.contains("read") && read.len() == TEXT_BYTES);
        assert_eq!(code(&read, STATUS), Code::Ok);
        assert_eq!(code(&read, CONTROL), Code::PermissionDenied);
        let submit = open("submit").unwrap().unwrap();
        assert_eq!(code(&submit, CONTROL), Code::Ok);
        let who = access.who(&key, &Proof::Session(submit.clone())).unwrap();
        assert_eq!(who, Some(("s".to_owned(), Role::Submit)));
        assert_eq!(open("worker").unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(open("else").unwrap_err().code(), Code::Unauthenticated);
        // Whoever moves its end, mixes two, or comes from another process is nobody.
        let mixed = format!("{}{}", &read[..17], &submit[17..]);
        let later = format!("f{}", &read[1..]);
        let other = SessionKey::new([8; 32]);
        let foreign = access.open_session(&other, "read").unwrap().unwrap();
        let wrong = [
            String::new(),
            "x".repeat(TEXT_BYTES),
            "é".repeat(40),
            mixed.clone(),
            later,
            foreign,
        ];
        for wrong in &wrong {
            // The same end, sealed for another token, is that token's own session.
            if *wrong == submit || *wrong == mixed {
                continue;
            }
            assert_eq!(code(wrong, STATUS), Code::Unauthenticated, "{wrong}");
        }
        let proof = || Proof::Session(read.clone());
        let revoked_before = access.revoked(&key, STATUS, proof());
        tokio::time::advance(LASTS).await;
        assert_eq!(code(&read, STATUS), Code::Unauthenticated);
        let again = open("read").unwrap().unwrap();
        access
            .tokens
            .send_replace(super::super::Known::Tokens([].into()));
        assert_eq!(code(&again, STATUS), Code::Unauthenticated);
        // Whoever waits is told, also where nobody asked while the tokens changed.
        let revoked_after = access.revoked(&key, STATUS, proof());
        for revoked in [revoked_before, revoked_after] {
            assert_eq!(revoked.await.code(), Code::Unauthenticated);
        }
    }

    #[tokio::test]
    async fn where_nobody_is_asked_any_proof_will_do() {
        let (access, key) = (Access::open(), SessionKey::new([7; 32]));
        assert_eq!(access.open_session(&key, "x").unwrap(), None);
        for proof in [
            Proof::Authorization(None),
            Proof::Session("nonsense".into()),
        ] {
            assert!(access.allows(&key, CONTROL, &proof).is_ok());
        }
    }
}
