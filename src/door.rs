//! The door of a `run`: how commands of the same user find it and are let in, and nobody else is.
//!
//! ```text
//! STATE/door/           for the owner alone (0700), as are the files (0600)
//!   run.json            address, token, process; locked for as long as the process lives
//!   token               the token alone, for workers
//! OUT/state.path        where STATE is, if it is not OUT/state
//! ```
//!
//! The token is drawn anew at every start. The kernel gives the lock back when the process dies, however it dies: files
//! that are not locked were left behind.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::output::say;

const FOLDER: &str = "door";
const RUN: &str = "run.json";
/// There where that run is ending.
const ENDING: &str = "ending";
const TOKEN: &str = "token";
const POINTER: &str = "state.path";
/// More than any file here has.
const MOST_BYTES: u64 = 64 << 10;

/// A secret of 256 random bits, which lets in.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn draw() -> Result<Self, CommandError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|error| CommandError::Other(format!("no random bytes: {error}")))?;
        let mut text = String::with_capacity(64);
        for byte in random {
            text += &format!("{byte:02x}");
        }
        Ok(Self(text))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What `run.json` says.
#[derive(Serialize, Deserialize)]
struct RunFile {
    address: String,
    token: String,
    command: String,
    pid: u32,
    host: String,
    /// Whether the file system has locks.
    locked: bool,
}

/// A door that is open for as long as this lives.
pub struct Door {
    folder: PathBuf,
    pointer: Option<PathBuf>,
    /// Holds the lock.
    _file: File,
}

impl Door {
    /// Opens the door of the process that has the lock of the state folder and listens on `address`.
    ///
    /// # Errors
    /// The files cannot be made, or the folder is somebody else's.
    pub fn open(
        state: &Path,
        command: &str,
        address: &str,
        token: &Token,
    ) -> Result<Self, CommandError> {
        let folder = state.join(FOLDER);
        let failed =
            |error: io::Error| CommandError::io("make the door of this run in", &folder, &error);
        own_folder(&folder).map_err(failed)?;
        // Because this process has the state folder, whatever is here was left by one that was killed.
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            std::fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
        }
        let mut token_file = new_file(&folder.join(TOKEN)).map_err(failed)?;
        warn_of_readers(&folder, &token_file);
        writeln!(token_file, "{}", token.text()).map_err(failed)?;

        let part = folder.join("run.part");
        let mut file = new_file(&part).map_err(failed)?;
        let run = RunFile {
            address: address.to_owned(),
            token: token.text().to_owned(),
            command: command.to_owned(),
            pid: std::process::id(),
            host: host_name(),
            locked: file.try_lock().is_ok(),
        };
        let text = serde_json::to_vec_pretty(&run).map_err(|error| CommandError::other(&error))?;
        file.write_all(&text).map_err(failed)?;
        std::fs::rename(&part, folder.join(RUN)).map_err(failed)?;
        Ok(Self {
            folder,
            pointer: None,
            _file: file,
        })
    }

    /// Has `out` say where the state folder is, if that is not the usual one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn announce_in(&mut self, out: &Path, state: &Path) -> Result<(), CommandError> {
        let pointer = out.join(POINTER);
        let failed = |error: io::Error| CommandError::io("write", &pointer, &error);
        let state = std::fs::canonicalize(state).map_err(failed)?;
        if std::fs::canonicalize(out.join("state")).is_ok_and(|usual| usual == state) {
            return match std::fs::remove_file(&pointer) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        std::fs::write(&pointer, state.as_os_str().as_encoded_bytes()).map_err(failed)?;
        self.pointer = Some(pointer);
        Ok(())
    }

    /// Says that this run is ending.
    pub fn ending(&self) {
        // Without it the next one is refused, and says why.
        let _ = new_file(&self.folder.join(ENDING));
    }

    /// The file with the token, for workers of this run.
    pub fn token_file(&self) -> PathBuf {
        self.folder.join(TOKEN)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        for name in [RUN, TOKEN, ENDING] {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
        let _ = std::fs::remove_dir(&self.folder);
        if let Some(pointer) = &self.pointer {
            let _ = std::fs::remove_file(pointer);
        }
    }
}

/// What a folder says of its run.
pub enum Found {
    /// A run is under way.
    UnderWay(Way),
    /// None is; the state folder, and the process that was killed where one was.
    NotUnderWay {
        state: Option<PathBuf>,
        killed: Option<u32>,
    },
}

/// How to get in.
pub struct Way {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    /// Lets in.
    pub token: Token,
}

/// The run of that folder: what `run --out` names, or a state folder.
///
/// # Errors
/// It is another user's, or another machine's.
pub fn find(out: &Path) -> Result<Found, CommandError> {
    let Some((state, mut file)) = find_file(out)? else {
        return Ok(Found::NotUnderWay {
            state: state_folder(out),
            killed: None,
        });
    };
    let path = state.join(FOLDER).join(RUN);
    let unreadable = |error: &dyn std::fmt::Display| {
        CommandError::Unreachable(format!("cannot read {}: {error}", path.display()))
    };
    let mut text = String::new();
    (&mut file)
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(&error))?;
    let run: RunFile = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    if run.locked && !is_locked(&file) {
        return Ok(Found::NotUnderWay {
            state: Some(state),
            killed: Some(run.pid),
        });
    }
    if run.host != host_name() {
        return Err(CommandError::Unreachable(format!(
            "the {} of {} is under way on the host `{}`, and listens there alone\n\nhint: type this command there",
            run.command,
            out.display(),
            run.host
        )));
    }
    Ok(Found::UnderWay(Way {
        address: run.address,
        token: Token(run.token),
    }))
}

/// Whether a run of that folder is under way which this user may ask.
pub fn is_under_way(out: &Path) -> bool {
    matches!(find(out), Ok(Found::UnderWay(_)))
}

/// Whether the run of that state folder is ending: it lives, and said so.
pub fn is_ending(state: &Path) -> bool {
    is_under_way(state) && state.join(FOLDER).join(ENDING).exists()
}

/// A run's folder among the subfolders of `out` whose run is under way, the first by name.
pub fn under_way_in(out: &Path) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(out)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    folders.into_iter().find(|folder| is_under_way(folder))
}

/// The state folder of a run's folder, or that folder itself.
pub fn state_folder(out: &Path) -> Option<PathBuf> {
    candidates(out).find(|state| state.join("journal").is_dir())
}

/// Where the state folder of `out` may be.
fn candidates(out: &Path) -> impl Iterator<Item = PathBuf> {
    let announced = std::fs::read(out.join(POINTER)).ok().map(|bytes| {
        use std::os::unix::ffi::OsStringExt;
        PathBuf::from(std::ffi::OsString::from_vec(bytes))
    });
    announced
        .into_iter()
        .chain([out.join("state"), out.to_owned()])
}

fn find_file(out: &Path) -> Result<Option<(PathBuf, File)>, CommandError> {
    for state in candidates(out) {
        match File::open(state.join(FOLDER).join(RUN)) {
            Ok(file) => return Ok(Some((state, file))),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(CommandError::Unreachable(format!(
                    "the run of {} is another user's: its files in {} are for its owner alone",
                    out.display(),
                    state.join(FOLDER).display()
                )));
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Whether some process holds the lock.
fn is_locked(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            false
        }
        // An error tells nothing; whoever calls the address hears more.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
    }
}

/// Makes the folder for this user alone.
fn own_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Without following links: what is behind one may be anybody's.
            let found = std::fs::symlink_metadata(folder)?;
            if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "it is no folder of this user's; remove it",
                ));
            }
            // A file system without permissions refuses; `warn_of_readers` says what that means.
            let _ = std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700));
            Ok(())
        }
        made => made,
    }
}

/// Says so where the file system keeps no permissions.
fn warn_of_readers(folder: &Path, file: &File) {
    let is_open = |found: io::Result<std::fs::Metadata>| {
        found.is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    };
    if is_open(std::fs::metadata(folder)) && is_open(file.metadata()) {
        say(&format!(
            "warning: the file system of {} keeps no permissions: other users of this machine can control this run",
            folder.display()
        ));
    }
}

/// A new file for this user alone.
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn host_name() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn killed(out: &Path) -> Option<u32> {
        match find(out).unwrap() {
            Found::UnderWay(_) => panic!("it is under way"),
            Found::NotUnderWay { killed, .. } => killed,
        }
    }

    fn world() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let world = tempfile::tempdir().unwrap();
        let (out, state) = (world.path().join("out"), world.path().join("out/state"));
        std::fs::create_dir_all(state.join("journal")).unwrap();
        (world, out, state)
    }

    #[test]
    fn the_owner_finds_the_way_in_and_nobody_else_can_read_it() {
        let (_world, out, state) = world();
        let token = Token::draw().unwrap();
        let door = Door::open(&state, "run", "http://127.0.0.1:7", &token).unwrap();
        assert_eq!(mode(&state.join("door")), 0o700);
        for name in [RUN, TOKEN] {
            assert_eq!(mode(&state.join("door").join(name)), 0o600, "{name}");
        }
        assert_eq!(
            std::fs::read_to_string(door.token_file()).unwrap().trim(),
            token.text()
        );
        for folder in [&out, &state] {
            let Found::UnderWay(way) = find(folder).unwrap() else {
                panic!("{} has a run", folder.display());
            };
            assert_eq!(
                (way.address.as_str(), way.token.text()),
                ("http://127.0.0.1:7", token.text())
            );
        }
        drop(door);
        assert!(!state.join("door").exists());
        assert_eq!(killed(&out), None);
        assert_eq!(state_folder(&out), Some(state));
    }

    #[test]
    fn tokens_differ() {
        let [one, other] = [Token::draw().unwrap(), Token::draw().unwrap()];
        assert_eq!(one.text().len(), 64);
        assert_ne!(one.text(), other.text());
    }

    #[test]
    fn what_a_killed_run_left_is_known_and_makes_way() {
        let (_world, out, state) = world();
        let token = Token::draw().unwrap();
        let door = Door::open(&state, "run", "http://127.0.0.1:7", &token).unwrap();
        let left = std::fs::read(state.join("door").join(RUN)).unwrap();
        drop(door);
        own_folder(&state.join("door")).unwrap();
        std::fs::write(state.join("door").join(RUN), left).unwrap();
        assert_eq!(killed(&out), Some(std::process::id()));
        // Also half of what a start writes, and a folder that was opened to all.
        std::fs::write(state.join("door/run.part"), "{").unwrap();
        std::fs::set_permissions(state.join("door"), PermissionsExt::from_mode(0o777)).unwrap();
        let _door = Door::open(&state, "run", "http://127.0.0.1:8", &token).unwrap();
        assert_eq!(mode(&state.join("door")), 0o700);
        assert!(is_under_way(&out));
    }

    #[test]
    fn a_state_folder_elsewhere_is_announced() {
        let (world, out, _) = world();
        let shared = world.path().join("shared");
        std::fs::create_dir_all(shared.join("journal")).unwrap();
        let token = Token::draw().unwrap();
        let mut door = Door::open(&shared, "run", "http://127.0.0.1:7", &token).unwrap();
        assert!(!is_under_way(&out));
        door.announce_in(&out, &shared).unwrap();
        assert!(is_under_way(&out));
        assert_eq!(
            state_folder(&out),
            Some(std::fs::canonicalize(&shared).unwrap())
        );
        drop(door);
        assert!(!is_under_way(&out) && !out.join(POINTER).exists());
    }

    #[test]
    fn a_link_is_not_taken_for_the_door() {
        let (world, _, state) = world();
        let elsewhere = world.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, state.join("door")).unwrap();
        let token = Token::draw().unwrap();
        let refused = Door::open(&state, "run", "http://127.0.0.1:7", &token)
            .err()
            .unwrap();
        assert!(
            refused.to_string().contains("no folder of this user's"),
            "{refused}"
        );
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}
