//! A certificate that was renewed on disk takes the place of the one before it, without a restart.

use std::path::PathBuf;
use std::time::Duration;

use coordinator::service::Tls;
use proto::error_chain;
use tokio_util::sync::CancellationToken;

use crate::client::read_bytes;

/// How often the files are looked at. Certificates are renewed weeks before their end.
const LOOK: Duration = Duration::from_secs(10);

/// The files of a certificate, and what was read from them last.
pub(super) struct Renewal {
    tls: Tls,
    certificate: PathBuf,
    key: PathBuf,
    seen: Option<(Vec<u8>, Vec<u8>)>,
    /// Looks in a row that could not read them.
    unreadable: u32,
}

impl Renewal {
    pub(super) fn new(tls: Tls, certificate: PathBuf, key: PathBuf) -> Self {
        let mut renewal = Self {
            tls,
            certificate,
            key,
            seen: None,
            unreadable: 0,
        };
        renewal.seen = renewal.read().ok();
        renewal
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let read = |path| read_bytes(path).map_err(|error| error_chain(&error));
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

    /// Answers whether there is another certificate now.
    fn look(&mut self) -> bool {
        let found = match self.read() {
            Ok(found) => found,
            Err(why) => {
                self.unreadable += 1;
                // Between two renames one of them may be missing, or be another's: the next look finds both.
                if self.unreadable == 2 {
                    tracing::error!(
                        why,
                        "the certificate stays the one before, also beyond its end: its files cannot be read"
                    );
                }
                return false;
            }
        };
        self.unreadable = 0;
        if self.seen.as_ref() == Some(&found) {
            return false;
        }
        let renewed = self.tls.renew(&found.0, &found.1);
        match &renewed {
            Ok(()) => {
                tracing::info!(path = %self.certificate.display(), "the certificate was renewed");
            }
            Err(error) => {
                tracing::error!(%error, path = %self.certificate.display(), "the certificate stays the one before");
            }
        }
        self.seen = Some(found);
        renewed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    #[test]
    fn what_fits_is_taken_once_and_what_does_not_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let made = || {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["coordinator.test".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let write = |(one, other): &(String, String)| {
            std::fs::write(&certificate, one).unwrap();
            std::fs::write(&key, other).unwrap();
        };
        let (first, second) = (made(), made());
        write(&first);
        let tls = Tls::new(first.0.as_bytes(), first.1.as_bytes(), None).unwrap();
        let mut renewal = Renewal::new(tls, certificate.clone(), key.clone());
        assert!(!renewal.look(), "nothing changed");
        // Half of a renewal: the key is still the old one.
        std::fs::write(&certificate, &second.0).unwrap();
        assert!(!renewal.look());
        std::fs::remove_file(&key).unwrap();
        assert!(!renewal.look());
        write(&second);
        assert!(renewal.look());
        assert!(!renewal.look());
    }
}
