//! A token, and the file in which a coordinator keeps what it needs to know one again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use durable::Writing;
use serde::{Deserialize, Serialize};

use super::Role;
use proto::nouns::Timestamp;

/// Bytes of a token file: thousands of tokens.
const FILE_BYTES: u64 = 1 << 20;
/// The version that is written.
const VERSION: u32 = 1;
/// Bytes of a token's name.
const NAME_BYTES: usize = 100;

/// The digest of a token, which is all that is kept: neither a core dump nor a log nor the file shows the token. A token
/// of ours is 256 random bits, so that no slow hash is needed against guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest(blake3::Hash);

impl TokenDigest {
    /// Of that token.
    pub fn of(token: &[u8]) -> Self {
        let key = blake3::Hasher::new_derive_key("gcl-sweep 2026 bearer token")
            .update(token)
            .finalize();
        Self(key)
    }

    /// What only who knows `key` can say of this token and these words.
    pub(super) fn seal(&self, key: &[u8; 32], words: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(key)
            .update(self.0.as_bytes())
            .update(words)
            .finalize()
    }

    /// Whether it is that one. `blake3::Hash` compares in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// A token from random bytes, as it is given to its owner.
pub fn token_of(random: [u8; 32]) -> String {
    format!("gcl_{}", blake3::Hash::from(random).to_hex())
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// The beginning of its digest, by which people call it.
    pub id: String,
    /// Whose it is, or what for.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its digest.
    digest: String,
}

impl TokenEntry {
    pub(super) fn digest(&self) -> Option<TokenDigest> {
        blake3::Hash::from_hex(&self.digest).ok().map(TokenDigest)
    }
}

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The operating system said no.
    #[error("cannot {doing} the token file {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "the token file {path} can be read or written by others (mode {mode:o}): chmod 600 it (640 is fine for a file of root's whose group is the coordinator's)"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not one of ours.
    #[error("the token file {path} is invalid: {what}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A token of that name exists, or none does, or more than one.
    #[error("{0}")]
    Choice(String),
}

/// The tokens of a coordinator in a file that its owner alone can read, or the group that root gave it to. Written whole
/// beside and renamed, for the owner and with the mode that it had; a running coordinator sees the change within a second.
#[derive(Debug, Clone)]
pub struct TokenFile(PathBuf);

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    tokens: Vec<TokenEntry>,
}

impl TokenFile {
    /// At that path, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the coordinator of a state folder looks for it.
    pub fn of_state(state: &Path) -> Self {
        Self(state.join("tokens.json"))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What tells one version of the file from another. The time of its change is also that of its owner and mode.
    pub(super) fn stamp(&self) -> Option<(i64, i64, u64, u64)> {
        let found = std::fs::metadata(&self.0).ok()?;
        Some((found.ctime(), found.ctime_nsec(), found.ino(), found.len()))
    }

    /// Takes the group's permissions from a file of this process's own, and answers whether there were any. Where a state
    /// folder is a volume of Kubernetes, the kubelet gives them at a mount (`fsGroup`).
    ///
    /// # Errors
    /// [`TokenFileError::Io`].
    pub fn close_to_the_group(&self) -> Result<bool, TokenFileError> {
        let found = match std::fs::metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            found => found.map_err(self.io("look at"))?,
        };
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o070 == 0 || mode & 0o007 != 0 || found.uid() != caller() {
            return Ok(false);
        }
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(mode & 0o600))
            .map_err(self.io("chmod"))?;
        Ok(true)
    }

    /// All tokens; `None` where there is no file.
    ///
    /// # Errors
    /// [`TokenFileError`]: it cannot be read, others can read it, or it is invalid.
    pub fn read(&self) -> Result<Option<Vec<TokenEntry>>, TokenFileError> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io("open")(error)),
        };
        let found = file.metadata().map_err(self.io("look at"))?;
        let mode = found.permissions().mode() & 0o777;
        if is_open(mode, found.uid(), found.gid(), caller()) {
            return Err(TokenFileError::Open {
                path: self.0.clone(),
                mode,
            });
        }
        let mut text = String::new();
        file.take(FILE_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(self.io("read"))?;
        if text.len() as u64 > FILE_BYTES {
            return Err(self.content(format!("more than {FILE_BYTES} bytes")));
        }
        let content: Content =
            serde_json::from_str(&text).map_err(|error| self.content(error.to_string()))?;
        if content.version != VERSION {
            return Err(self.content(format!(
                "version {}, and this program reads {VERSION}",
                content.version
            )));
        }
        if let Some(broken) = content.tokens.iter().find(|entry| entry.digest().is_none()) {
            return Err(self.content(format!("the digest of token {} is damaged", broken.id)));
        }
        Ok(Some(content.tokens))
    }

    /// Whether the folder of the file is there. Where it is not, nobody can say what tokens there are: its name may be
    /// mistyped.
    ///
    /// # Errors
    /// [`TokenFileError::Io`]: it is not there, or cannot be looked at.
    pub fn has_folder(&self) -> Result<(), TokenFileError> {
        let found = std::fs::metadata(durable::parent(&self.0));
        if found.map_err(self.io("find the folder of"))?.is_dir() {
            return Ok(());
        }
        Err(self.io("find the folder of")(
            io::ErrorKind::NotADirectory.into(),
        ))
    }

    /// Adds a token made of `random` and gives it, which nobody can do a second time.
    ///
    /// # Errors
    /// [`TokenFileError`], also where the name is taken.
    pub fn create(
        &self,
        name: &str,
        role: Role,
        random: [u8; 32],
        now: Timestamp,
    ) -> Result<(TokenEntry, String), TokenFileError> {
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(TokenFileError::Choice(format!(
                "a token's name has 1 to {NAME_BYTES} printable characters"
            )));
        }
        let token = token_of(random);
        let TokenDigest(digest) = TokenDigest::of(token.as_bytes());
        let digest = digest.to_hex().to_string();
        let entry = TokenEntry {
            id: digest[..8].to_owned(),
            name: name.to_owned(),
            role,
            created_at: now,
            digest,
        };
        // Only who makes a token makes a folder for it.
        ownership::make_folders(durable::parent(&self.0)).map_err(self.io("make the folder of"))?;
        self.change(|tokens| {
            if tokens.iter().any(|other| other.name == name) {
                return Err(TokenFileError::Choice(format!(
                    "there is a token named `{name}` already: revoke it first, or choose another name"
                )));
            }
            tokens.push(entry.clone());
            Ok(())
        })?;
        Ok((entry, token))
    }

    /// Takes a token away, by its name or its id.
    ///
    /// # Errors
    /// [`TokenFileError`], also where there is none of that name.
    pub fn revoke(&self, which: &str) -> Result<TokenEntry, TokenFileError> {
        self.has_folder()?;
        let mut revoked = None;
        self.change(|tokens| {
            let at = tokens
                .iter()
                .position(|entry| entry.name == which || entry.id == which)
                .ok_or_else(|| {
                    TokenFileError::Choice(format!(
                        "there is no token `{which}`: `gcl-sweep token list` shows them"
                    ))
                })?;
            revoked = Some(tokens.remove(at));
            Ok(())
        })?;
        revoked.ok_or_else(|| TokenFileError::Choice(format!("there is no token `{which}`")))
    }

    fn change(
        &self,
        edit: impl FnOnce(&mut Vec<TokenEntry>) -> Result<(), TokenFileError>,
    ) -> Result<(), TokenFileError> {
        // Two administrators at once: one waits for the other.
        let lock = secret(&self.0.with_extension("lock")).map_err(self.io("lock"))?;
        ownership::keep(&lock, &self.0).map_err(self.io("lock"))?;
        if let Err(error) = lock.lock() {
            // A file system without locks: two administrators at once are rare.
            tracing::warn!(file = %self.0.display(), %error, "the file system cannot lock files: nobody else may change the tokens now");
        }
        let mut tokens = self.read()?.unwrap_or_default();
        edit(&mut tokens)?;
        let content = Content {
            version: VERSION,
            tokens,
        };
        let text = serde_json::to_string_pretty(&content)
            .map_err(|error| self.content(error.to_string()))?;
        if text.len() as u64 >= FILE_BYTES {
            return Err(self.content(format!("it would have more than {FILE_BYTES} bytes")));
        }
        let how = Writing {
            mode: Some(ownership::mode(&self.0, 0o600)),
            owner_kept: true,
            ..Writing::PRIVATE
        };
        let text = format!("{text}\n");
        durable::replace(&self.0, &[text.as_bytes()], how).map_err(self.io("write"))
    }

    fn io(&self, doing: &'static str) -> impl Fn(io::Error) -> TokenFileError + use<> {
        let path = self.0.clone();
        move |source| TokenFileError::Io {
            doing,
            source: ownership::explain(source, &path),
            path: path.clone(),
        }
    }

    fn content(&self, what: String) -> TokenFileError {
        TokenFileError::Content {
            path: self.0.clone(),
            what,
        }
    }
}

/// The user that this process acts as.
fn caller() -> u32 {
    nix::unistd::Uid::effective().as_raw()
}

/// Whether others than the file's owner can read it, or anybody else write it. A group may read what root gave it: so
/// Kubernetes hands out secrets (root's, of the group `fsGroup`, mode 440), and systemd credentials by an access list, which
/// shows as a group's permission.
fn is_open(mode: u32, uid: u32, gid: u32, caller: u32) -> bool {
    let given = if caller == 0 {
        uid == 0 && gid != 0
    } else {
        uid != caller
    };
    let allowed = if given { 0o740 } else { 0o700 };
    mode & 0o777 & !allowed != 0
}

/// A file that its owner alone can read, from its first moment on.
fn secret(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_once_and_kept_as_a_digest() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of_state(&folder.path().join("new"));
        assert!(file.read().unwrap().is_none());
        let (entry, token) = file
            .create("alice", Role::Submit, [7; 32], Timestamp(5))
            .unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains(&token) && !text.contains(&token[4..]));
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(file.read().unwrap().unwrap(), std::slice::from_ref(&entry));
        assert!(
            entry
                .digest()
                .unwrap()
                .is(&TokenDigest::of(token.as_bytes()))
        );

        let taken = file
            .create("alice", Role::Read, [8; 32], Timestamp(6))
            .unwrap_err();
        assert!(taken.to_string().contains("already"), "{taken}");
        file.create("bob", Role::Read, [8; 32], Timestamp(6))
            .unwrap();
        assert!(file.revoke("carol").is_err());
        assert_eq!(file.revoke(&entry.id).unwrap(), entry);
        file.revoke("bob").unwrap();
        assert_eq!(
            file.read().unwrap().unwrap(),
            [],
            "an empty list is not no list"
        );
        for name in ["", "a\nb", &"x".repeat(101)] {
            assert!(
                file.create(name, Role::Read, [1; 32], Timestamp(0))
                    .is_err()
            );
        }
    }

    #[test]
    fn a_mistyped_folder_is_said_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("typo");
        let file = TokenFile::of_state(&state);
        for refused in [file.has_folder(), file.revoke("x").map(|_| ())] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, TokenFileError::Io { .. }), "{refused}");
        }
        assert!(!state.exists());
        std::fs::write(&state, b"").unwrap();
        assert!(file.has_folder().is_err());
        std::fs::remove_file(&state).unwrap();
        file.create("a", Role::Read, [1; 32], Timestamp(0)).unwrap();
        file.has_folder().unwrap();
    }

    #[test]
    fn a_group_reads_what_root_gave_it_and_nothing_else() {
        const SERVICE: u32 = 10001;
        for (mode, uid, gid, caller, open) in [
            // The owner's alone.
            (0o600, SERVICE, SERVICE, SERVICE, false),
            (0o400, 0, 0, 0, false),
            // Kubernetes with fsGroup, and a credential of systemd.
            (0o440, 0, SERVICE, SERVICE, false),
            (0o440, 0, 0, SERVICE, false),
            // The same seen by root, who makes tokens there.
            (0o640, 0, SERVICE, 0, false),
            // A group of the owner's own accord, or of root.
            (0o640, SERVICE, SERVICE, SERVICE, true),
            (0o640, SERVICE, SERVICE, 0, true),
            (0o640, 0, 0, 0, true),
            // Nobody else, and nobody writes.
            (0o660, 0, SERVICE, SERVICE, true),
            (0o444, 0, SERVICE, SERVICE, true),
            (0o604, SERVICE, SERVICE, SERVICE, true),
        ] {
            assert_eq!(
                is_open(mode, uid, gid, caller),
                open,
                "{mode:o} {uid}:{gid} {caller}"
            );
        }
    }

    #[test]
    fn a_group_that_a_mount_let_in_is_shut_out_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of_state(folder.path());
        assert!(!file.close_to_the_group().unwrap());
        file.create("a", Role::Read, [1; 32], Timestamp(0)).unwrap();
        let chmod = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), mode).unwrap();
        };
        chmod(0o660);
        assert!(file.read().is_err());
        assert!(file.close_to_the_group().unwrap());
        assert_eq!(file.read().unwrap().unwrap().len(), 1);
        // What the whole world could read is no kubelet's doing.
        chmod(0o664);
        assert!(!file.close_to_the_group().unwrap());
        assert!(file.read().is_err());
    }

    #[test]
    fn a_file_that_others_read_or_that_makes_no_sense_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("tokens.json"));
        file.create("a", Role::Read, [1; 32], Timestamp(0)).unwrap();
        let good = std::fs::read_to_string(file.path()).unwrap();
        let write = |text: &str, mode| {
            std::fs::write(file.path(), text).unwrap();
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(&good, 0o640);
        assert!(matches!(
            file.read(),
            Err(TokenFileError::Open { mode: 0o640, .. })
        ));
        for bad in [
            "",
            "[]",
            "{\"version\":2,\"tokens\":[]}",
            &good.replace("\"digest\": \"", "\"digest\": \"x"),
            &" ".repeat(2 << 20),
        ] {
            write(bad, 0o600);
            assert!(
                matches!(file.read(), Err(TokenFileError::Content { .. })),
                "{bad:.40}"
            );
        }
        write(&good, 0o600);
        assert_eq!(file.read().unwrap().unwrap().len(), 1);
    }
}
