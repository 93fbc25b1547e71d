//! A certificate that was renewed on disk takes the place of the one before it, without a restart.

use std::path::PathBuf;
use std::time::Duration;

use coordinator::service::Tls;
use tokio_util::sync::CancellationToken;

use crate::client::read_bytes;
use crate::error::chain;

/// How often the files are looked at. Certificates are renewed weeks before their end.
const LOOK: Duration = Duration::from_secs(10);

/// The files of a certificate, and what was read from them last.
pub(super) struct Renewal {
    tls: Tls,
    certificate: PathBuf,
    key: PathBuf,
    seen: Option<(Vec<u8>, Vec<u8>)>,
}

impl Renewal {
    pub(super) fn new(tls: Tls, certificate: PathBuf, key: PathBuf) -> Self {
        let mut renewal = Self {
            tls,
            certificate,
            key,
            seen: None,
        };
        renewal.seen = renewal.read().ok();
        renewal
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let read = |path| read_bytes(path).map_err(|error| chain(&error));
        Ok((read(&self.certificate)?, read(&self.key)?))
    }

    /// Looks again and again. What cannot be used is said once; the certificate before it stays.
    pub(super) async fn follow(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            self.look();
        }
    }

    fn look(&mut self) {
        // Between two renames one of them may be missing, or be another's: the next look finds both.
        let Ok(found) = self.read() else {
            return;
        };
        if self.seen.as_ref() == Some(&found) {
            return;
        }
        match self.tls.renew(&found.0, &found.1) {
            Ok(()) => {
                tracing::info!(path = %self.certificate.display(), "the certificate was renewed")
            }
            Err(error) => {
                tracing::error!(%error, path = %self.certificate.display(), "the certificate stays the one before");
            }
        }
        self.seen = Some(found);
    }
}
