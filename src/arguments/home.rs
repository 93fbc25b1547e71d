//! `~` where no shell expanded it: after `=`, in quotes, in the environment, in a unit's settings. And variables that are empty.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, Resettable, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use nix::unistd::{Uid, User};

/// The command line with paths that know `~`, and without variables that are empty: who empties one means that it is not set.
pub(super) fn at_home(command: Command) -> Command {
    command.mut_args(adapted).mut_subcommands(at_home)
}

fn adapted(arg: Arg) -> Arg {
    let is_path = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let arg = if is_path {
        arg.value_parser(HomePath)
    } else {
        arg
    };
    let is_empty = arg
        .get_env()
        .and_then(std::env::var_os)
        .is_some_and(|value| value.as_bytes().trim_ascii().is_empty());
    if is_empty {
        arg.env(Resettable::Reset)
    } else {
        arg
    }
}

#[derive(Debug, Clone)]
struct HomePath;

impl TypedValueParser for HomePath {
    type Value = PathBuf;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<PathBuf, clap::Error> {
        let path = path(value).map_err(|what| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("{what}\n")).with_cmd(command)
        })?;
        PathBufValueParser::new().parse_ref(command, arg, path.as_os_str())
    }
}

/// The path that a person means.
///
/// # Errors
/// It begins with `~`, and nobody knows where that is.
pub fn path(text: &OsStr) -> Result<PathBuf, String> {
    expanded(text, home).ok_or_else(|| {
        format!(
            "`{}` is in the home folder, and there is none: HOME is not set, and this user has no entry in the system's list. Write the whole path",
            text.display()
        )
    })
}

/// Where that user is at home, or this one.
fn home(user: Option<&str>) -> Option<PathBuf> {
    let entry = if let Some(name) = user {
        User::from_name(name)
    } else {
        if let Some(home) = std::env::var_os("HOME").filter(|home| !home.is_empty()) {
            return Some(PathBuf::from(home));
        }
        User::from_uid(Uid::current())
    };
    Some(entry.ok().flatten()?.dir)
}

/// `~` and `~name` at the beginning of a path as folders; `None` where this user has no home. A name that is nobody's is a file's.
fn expanded(text: &OsStr, home: impl Fn(Option<&str>) -> Option<PathBuf>) -> Option<PathBuf> {
    let Some(rest) = text.as_bytes().strip_prefix(b"~") else {
        return Some(PathBuf::from(text));
    };
    let slash = rest.iter().position(|byte| *byte == b'/');
    let (name, below) = match slash {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let folder = if name.is_empty() {
        home(None)?
    } else {
        match std::str::from_utf8(name)
            .ok()
            .and_then(|name| home(Some(name)))
        {
            Some(folder) => folder,
            None => return Some(PathBuf::from(text)),
        }
    };
    if below.is_empty() {
        return Some(folder);
    }
    // An absolute path would take the place of the folder.
    let below = below.iter().skip_while(|byte| **byte == b'/');
    let below = OsString::from_vec(below.copied().collect());
    Some(folder.join(Path::new(&below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_a_home_at_the_beginning_alone() {
        let home = |user: Option<&str>| match user {
            None => Some(PathBuf::from("/home/me")),
            Some("ann") => Some(PathBuf::from("/home/ann")),
            Some(_) => None,
        };
        for (text, path) in [
            ("~", "/home/me"),
            ("~/", "/home/me"),
            ("~/a/b", "/home/me/a/b"),
            ("~//a", "/home/me/a"),
            ("~ann", "/home/ann"),
            ("~ann/x", "/home/ann/x"),
            ("~nobody/x", "~nobody/x"),
            ("a/~/b", "a/~/b"),
            ("/x", "/x"),
            ("", ""),
        ] {
            let found = expanded(OsStr::new(text), home);
            assert_eq!(found, Some(PathBuf::from(path)), "{text}");
        }
        assert_eq!(expanded(OsStr::new("~/a"), |_| None), None);
    }
}
