//! `gcl-sweep token`: keys for people and workers.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use coordinator::service::{Role, TokenEntry, TokenFile, TokenFileError};
use coordinator::state::Mark;
use proto::error_chain;
use proto::nouns::Timestamp;

use crate::arguments::{Format, Token, TokenPlace, TokenRole};
use crate::clock;
use crate::error::CommandError;
use crate::output::{self, say};

/// Makes, shows or revokes.
pub fn token(arguments: &Token, format: Format) -> Result<(), CommandError> {
    match arguments {
        Token::Create {
            place,
            role,
            name,
            out,
        } => create(place, *role, name.as_deref(), out.as_deref(), format),
        Token::List { place } => list(place, format),
        Token::Revoke { place, token } => revoke(place, token, format),
    }
}

fn create(
    place: &TokenPlace,
    role: TokenRole,
    name: Option<&str>,
    out: Option<&Path>,
    format: Format,
) -> Result<(), CommandError> {
    let role = match role {
        TokenRole::Admin => Role::Admin,
        TokenRole::Submit => Role::Submit,
        TokenRole::Worker => Role::Worker,
        TokenRole::Read => Role::Read,
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| CommandError::Other(format!("no random bytes: {error}")))?;
    if let (None, Some(state)) = (&place.tokens, &place.state) {
        // A coordinator's folder is its owner's alone, whoever makes it.
        ownership::make_private_folder(state)
            .map_err(|error| CommandError::io("make", state, &error))?;
    }
    // The file first: a token that could not be handed over must not come to be.
    let target = out
        .map(|path| {
            OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(path)
                .map(|file| (file, path))
                .map_err(|error| CommandError::io("make", path, &error))
        })
        .transpose()?;
    let now = Timestamp(clock::unix_milliseconds());
    let created = file(place).create(name.unwrap_or(role.name()), role, random, now);
    if let (Err(_), Some(path)) = (&created, out) {
        let _ = std::fs::remove_file(path);
    }
    let (entry, token) = created.map_err(|error| failed(&error))?;
    if let (None, Some(state)) = (&place.tokens, &place.state) {
        // From now on the folder is guarded, whatever becomes of the tokens.
        Mark::Guarded
            .put(state)
            .map_err(|error| CommandError::Store(error_chain(&error)))?;
    }
    if let Some((mut target, path)) = target {
        writeln!(target, "{token}")
            .and_then(|()| target.sync_all())
            .map_err(|error| CommandError::io("write", path, &error))?;
        say(&format!(
            "token `{}` ({}, role {}) is in {}: --token-file or GCL_TOKEN_FILE names it",
            entry.name,
            entry.id,
            role.name(),
            path.display()
        ));
        return if format == Format::Json {
            output::json(&json(&entry))
        } else {
            Ok(())
        };
    }
    say(&format!(
        "token `{}` ({}, role {}): it is shown this once; keep it in a file of mode 600 for --token-file",
        entry.name,
        entry.id,
        role.name()
    ));
    if format == Format::Json {
        let mut value = json(&entry);
        value["token"] = token.into();
        return output::json(&value);
    }
    output::print(&token)
}

fn list(place: &TokenPlace, format: Format) -> Result<(), CommandError> {
    let file = file(place);
    file.has_folder().map_err(|error| failed(&error))?;
    let entries = file.read().map_err(|error| failed(&error))?;
    if format == Format::Json {
        let entries: Vec<_> = entries.unwrap_or_default().iter().map(json).collect();
        return output::json(&entries);
    }
    let Some(entries) = entries else {
        say(&format!(
            "no token yet in {}: this coordinator asks nobody for one",
            file.path().display()
        ));
        return Ok(());
    };
    if entries.is_empty() {
        say("every token is revoked: nobody can come in until there is a new one");
        return Ok(());
    }
    let mut table = output::table(&["id", "name", "role", "age"]);
    let now = clock::unix_milliseconds();
    for entry in &entries {
        table.add_row([
            entry.id.clone(),
            entry.name.clone(),
            entry.role.name().to_owned(),
            super::age(now.saturating_sub(entry.created_at.0)),
        ]);
    }
    output::print(&table.to_string())
}

fn revoke(place: &TokenPlace, which: &str, format: Format) -> Result<(), CommandError> {
    let entry = file(place).revoke(which).map_err(|error| failed(&error))?;
    if format == Format::Json {
        return output::json(&json(&entry));
    }
    say(&format!(
        "token `{}` ({}, role {}) is revoked",
        entry.name,
        entry.id,
        entry.role.name()
    ));
    Ok(())
}

fn file(place: &TokenPlace) -> TokenFile {
    match (&place.tokens, &place.state) {
        (Some(path), _) => TokenFile::new(path),
        (None, Some(state)) => TokenFile::of_state(state),
        // clap demands one of them.
        (None, None) => TokenFile::of_state(Path::new(".")),
    }
}

fn failed(error: &TokenFileError) -> CommandError {
    match error {
        TokenFileError::Choice(text) => CommandError::Usage(text.clone()),
        other => CommandError::Store(error_chain(other)),
    }
}

fn json(entry: &TokenEntry) -> serde_json::Value {
    serde_json::json!({
        "id": entry.id, "name": entry.name, "role": entry.role.name(), "created_at_ms": entry.created_at.0,
    })
}
