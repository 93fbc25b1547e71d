//! `gcl-sweep tls`: an authority of one's own, and certificates of it. Whoever has certificates of another kind gives
//! those to `coordinator --tls-certificate` instead.

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use durable::Writing;
use proto::error_chain;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::arguments::Tls;
use crate::clock;
use crate::error::CommandError;
use crate::output::{self, say};

/// Days that the authority is valid.
const AUTHORITY_DAYS: u32 = 3650;
/// Clocks of a cluster differ: a certificate is valid from a little before it was made.
const BEFORE: Duration = Duration::hours(1);

/// Makes what is asked for.
pub fn tls(arguments: &Tls) -> Result<(), CommandError> {
    match arguments {
        Tls::Init { out, hosts, days } => init(out, hosts, *days),
        Tls::Server {
            out,
            hosts,
            days,
            replace,
        } => {
            let authority = Authority::read(out)?;
            let put = if *replace { replace_file } else { write };
            authority.server(out, hosts, *days, put)
        }
        Tls::Client { out, name, days } => client(out, name, *days),
    }
}

fn init(out: &Path, hosts: &[String], days: u32) -> Result<(), CommandError> {
    ownership::make_folders(out)
        .map_err(|error| CommandError::io("make the folder", out, &error))?;
    for name in ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"] {
        let path = out.join(name);
        if path.exists() {
            return Err(CommandError::Usage(format!(
                "{} exists: choose another folder, or make a new server certificate of that authority by `gcl-sweep tls server`",
                path.display()
            )));
        }
    }
    let (params, until) = authority_params()?;
    let key = KeyPair::generate().map_err(|error| fault(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| fault(&error))?;
    write(&out.join("ca-key.pem"), &key.serialize_pem(), 0o600)?;
    let path = write(&out.join("ca.pem"), &certificate.pem(), 0o644)?;
    made("authority", &path, until)?;
    let authority = Authority(Issuer::new(params, key));
    authority.server(out, hosts, days, write)?;
    say(&format!(
        "start the coordinator with --tls-certificate {0}/server.pem --tls-key {0}/server-key.pem; callers get --ca {0}/ca.pem and an https address. Keep {0}/ca-key.pem away from all of them",
        out.display()
    ));
    Ok(())
}

fn client(out: &Path, name: &str, days: u32) -> Result<(), CommandError> {
    let plain = !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'));
    if !plain || matches!(name, "ca" | "server" | "ca-key" | "server-key") {
        return Err(CommandError::Usage(format!(
            "`{name}` cannot be a caller's name: letters, digits, `.`, `_`, `-`, and not `ca` or `server`"
        )));
    }
    let authority = Authority::read(out)?;
    let (mut params, until) = params(name, days)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (certificate, key) = authority.sign(&params)?;
    write(
        &out.join(format!("{name}-key.pem")),
        &key.serialize_pem(),
        0o600,
    )?;
    let path = write(&out.join(format!("{name}.pem")), &certificate.pem(), 0o644)?;
    made("caller's certificate", &path, until)
}

/// The authority that signs.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// From the folder that `init` made. Only its key is read: its name is always the same.
    fn read(folder: &Path) -> Result<Self, CommandError> {
        let path = folder.join("ca-key.pem");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            CommandError::Usage(format!(
                "cannot read the authority's key {}: {error} (`gcl-sweep tls init` makes one)",
                path.display()
            ))
        })?;
        let key = KeyPair::from_pem(&text).map_err(|error| {
            CommandError::Usage(format!("{} is no key: {error}", path.display()))
        })?;
        Ok(Self(Issuer::new(authority_params()?.0, key)))
    }

    fn server(
        &self,
        out: &Path,
        hosts: &[String],
        days: u32,
        put: fn(&Path, &str, u32) -> Result<PathBuf, CommandError>,
    ) -> Result<(), CommandError> {
        let (mut params, until) = params("gcl-sweep coordinator", days)?;
        params.subject_alt_names = CertificateParams::new(hosts)
            .map_err(|error| {
                CommandError::Usage(format!(
                    "a --host is neither a host name nor an address: {error}"
                ))
            })?
            .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key) = self.sign(&params)?;
        put(&out.join("server-key.pem"), &key.serialize_pem(), 0o600)?;
        let path = put(&out.join("server.pem"), &certificate.pem(), 0o644)?;
        made(
            &format!("certificate for {}", hosts.join(", ")),
            &path,
            until,
        )
    }

    fn sign(&self, params: &CertificateParams) -> Result<(Certificate, KeyPair), CommandError> {
        let key = KeyPair::generate().map_err(|error| fault(&error))?;
        let certificate = params
            .signed_by(&key, &self.0)
            .map_err(|error| fault(&error))?;
        Ok((certificate, key))
    }
}

fn authority_params() -> Result<(CertificateParams, OffsetDateTime), CommandError> {
    let (mut params, until) = params("gcl-sweep authority", AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.use_authority_key_identifier_extension = false;
    Ok((params, until))
}

fn params(name: &str, days: u32) -> Result<(CertificateParams, OffsetDateTime), CommandError> {
    let now = OffsetDateTime::from_unix_timestamp((clock::unix_milliseconds() / 1000) as i64)
        .map_err(|error| CommandError::other(&error))?;
    let until = now + Duration::days(i64::from(days));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - BEFORE;
    params.not_after = until;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok((params, until))
}

fn made(what: &str, path: &Path, until: OffsetDateTime) -> Result<(), CommandError> {
    output::print(&format!(
        "{}: {what}, valid until {}",
        path.display(),
        until.date()
    ))
}

/// A new file, of the folder's owner where root makes it; what exists is not overwritten.
fn write(path: &Path, text: &str, mode: u32) -> Result<PathBuf, CommandError> {
    let written = || {
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        ownership::keep(&file, path)?;
        // Whatever the umask says: the files are for those whom the mode names.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().map_err(|error| CommandError::io("make", path, &ownership::explain(error, path)))?;
    Ok(path.to_owned())
}

/// A file in the place of one that may be there, for the owner and with the mode that it had: whoever could read it can go
/// on. What was there stays until the new one is whole.
fn replace_file(path: &Path, text: &str, mode: u32) -> Result<PathBuf, CommandError> {
    let how = Writing {
        mode: Some(ownership::mode(path, mode)),
        synced: true,
        owner_kept: true,
    };
    durable::replace(path, &[text.as_bytes()], how)
        .map_err(|error| CommandError::io("replace", path, &ownership::explain(error, path)))?;
    Ok(path.to_owned())
}

fn fault(error: &rcgen::Error) -> CommandError {
    CommandError::Other(format!("cannot make a certificate: {}", error_chain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_new_one_takes_no_ones_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server-key.pem");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        write(&path, "first", 0o600).unwrap();
        assert_eq!(mode(), 0o600);
        assert!(write(&path, "second", 0o600).is_err());
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace_file(&path, "third", 0o600).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        assert_eq!(mode(), 0o640, "the group that could read it still can");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
