//! The bearer token.

use proto::{Reason, refuse};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// A token that callers must send. Only its digest is kept, so that neither a core dump nor a log shows it.
#[derive(Debug, Clone)]
pub struct Token(blake3::Hash);

impl Token {
    /// That token.
    pub fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    fn is(&self, token: &[u8]) -> bool {
        // `blake3::Hash` compares in constant time.
        self.0 == blake3::hash(token)
    }
}

/// Lets a call pass that carries the token, before its body is read.
#[derive(Debug, Clone)]
pub(super) struct Guard(pub(super) Option<Token>);

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(token) = &self.0 else {
            return Ok(request);
        };
        let sent = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        match sent {
            Some(sent) if token.is(sent) => Ok(request),
            Some(_) => Err(refuse(
                Reason::Unauthenticated,
                "the token is not the right one",
            )),
            None => Err(refuse(
                Reason::Unauthenticated,
                "a token is needed (--token-file FILE, or GCL_TOKEN)",
            )),
        }
    }
}
