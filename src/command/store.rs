//! State folders: `coordinator repair`, `journal export`, `backup`, `restore`, `gc`.

use std::io::{self, Write};
use std::path::Path;

use client::CallError;
use coordinator::state::repair as repair_state;
use coordinator::state::{
    self as folder, Copied, JournalError, Mended, ReceiveError, Receiver, Verified,
    collect_stopped, restore as restore_state,
};
use proto::error_chain;
use proto::nouns::Collected;
use sweeps::JobStatus;

use crate::arguments::{Backup, CollectGarbage, Format, Repair, Restore};
use crate::client::Client;
use crate::error::CommandError;
use crate::output;
use crate::output::counted;

/// Verifies a journal and makes the index again.
pub fn repair(arguments: &Repair, format: Format) -> Result<(), CommandError> {
    let repaired = for_its_owner(&arguments.state, || {
        repair_state(&arguments.state, arguments.cut)
            .map_err(|error| CommandError::Store(error_chain(&error)))
    })?;
    if format == Format::Json {
        let (mut cut, mut set_aside) = (Vec::new(), Vec::new());
        for mended in &repaired.mended {
            match mended {
                Mended::Cut(damage) => cut.push(damage),
                Mended::SetAside(damage) => set_aside.push(damage),
            }
        }
        let sweeps: Vec<_> = repaired
            .sweeps
            .iter()
            .map(|(name, counts)| {
                serde_json::json!({"name": name, "jobs": counts.total(), "done": counts.of(JobStatus::Done)})
            })
            .collect();
        return output::json(&serde_json::json!({
            "cut": cut, "set_aside": set_aside, "journal": journal_json(&repaired.journal), "sweeps": sweeps,
            "damaged_artifacts": repaired.damaged, "missing_artifacts": repaired.missing,
        }));
    }
    for mended in &repaired.mended {
        output::prose(&match mended {
            Mended::Cut(damage) => format!("cut off, and kept beside it: {damage}"),
            Mended::SetAside(damage) => {
                format!(
                    "set aside, and read again from the files before it, so that nothing is lost: {damage}"
                )
            }
        })?;
    }
    output::prose(&format!(
        "the journal is whole: {}",
        described(&repaired.journal)
    ))?;
    output::prose("the index was made again from it")?;
    for digest in &repaired.damaged {
        output::prose(&format!(
            "artifact {digest} is damaged, and set aside: a backup may have it, and a worker that delivers it again stores it again"
        ))?;
    }
    for digest in repaired.missing.difference(&repaired.damaged) {
        output::prose(&format!(
            "artifact {digest} is missing, which a record names"
        ))?;
    }
    for (name, counts) in &repaired.sweeps {
        output::prose(&format!(
            "{name}: {}, {} done",
            counted(counts.total(), "job"),
            counts.of(JobStatus::Done)
        ))?;
    }
    Ok(())
}

/// The journal as lines of JSON.
pub fn export(state: &Path) -> Result<(), CommandError> {
    be_a_state(state)?;
    folder::be_whole(state).map_err(|error| store(&error))?;
    let mut out = output::json_lines();
    let exported = folder::export(&state.join("journal"), &mut out);
    let flushed = out.flush();
    match exported {
        // `gcl-sweep journal export | head` has what it wanted.
        Err(JournalError::Io {
            doing: "export",
            source,
            ..
        }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(CommandError::Store(error_chain(&error))),
        Ok(_) => match flushed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Other(
                format!("cannot write to stdout: {error}"),
            )),
            _ => Ok(()),
        },
    }
}

/// Copies a state, running or not.
pub fn backup(arguments: &Backup, format: Format) -> Result<(), CommandError> {
    let copied = if let Some(state) = &arguments.state {
        be_a_state(state)?;
        for_its_owner(state, || {
            coordinator::state::backup(state, &arguments.out).map_err(|error| store(&error))
        })?
    } else {
        super::runtime()?.block_on(receive(arguments))?
    };
    for digest in &copied.damaged {
        output::say(&format!(
            "warning: artifact {digest} is damaged in the state folder, and left out of the backup; `gcl-sweep coordinator repair` lists what is missing"
        ));
    }
    let Copied { journal, bytes, .. } = &copied;
    let out = arguments.out.display();
    match format {
        Format::Json => output::json(&serde_json::json!({
            "out": out.to_string(), "bytes": bytes, "journal": journal_json(journal),
            "damaged_artifacts": copied.damaged,
        })),
        Format::Text => output::prose(&format!("{out}: {bytes} bytes, {}", described(journal))),
    }
}

/// Copies the state of a running coordinator.
pub(super) async fn receive(arguments: &Backup) -> Result<Copied, CommandError> {
    /// Either side of a backup over the network.
    enum Ended {
        Call(CallError),
        Here(ReceiveError),
    }
    impl From<CallError> for Ended {
        fn from(error: CallError) -> Self {
            Self::Call(error)
        }
    }
    let client = Client::new(&arguments.connection)?;
    let mut receiver = Receiver::new(&arguments.out).map_err(|error| store(&error))?;
    let taken = client
        .backup(|piece| receiver.take(piece).map_err(Ended::Here))
        .await;
    match taken {
        Err(Ended::Call(error)) => Err(client.failed(error)),
        Err(Ended::Here(error)) => Err(CommandError::Other(error_chain(&error))),
        Ok(()) => receiver
            .finish()
            .map_err(|error| CommandError::Other(error_chain(&error))),
    }
}

/// Makes a state folder of a backup.
pub fn restore(arguments: &Restore, format: Format) -> Result<(), CommandError> {
    let restored = for_its_owner(&arguments.state, || {
        restore_state(&arguments.from, &arguments.state).map_err(|error| store(&error))
    })?;
    for digest in &restored.missing {
        output::say(&format!(
            "warning: the backup does not have artifact {digest}, which a record names"
        ));
    }
    for digest in &restored.damaged {
        output::say(&format!(
            "warning: artifact {digest} is damaged in the backup, and left out: who reads it is told that it is missing"
        ));
    }
    if restored.is_guarded {
        output::say(&format!(
            "callers of this coordinator needed tokens, and a backup holds none: make new ones before it starts (`gcl-sweep token create --state {} --role admin --out FILE`)",
            arguments.state.display()
        ));
    }
    let state = arguments.state.display();
    match format {
        Format::Json => output::json(&serde_json::json!({
            "state": state.to_string(), "bytes": restored.bytes, "records": restored.records,
            "missing_artifacts": restored.missing, "damaged_artifacts": restored.damaged,
            "guarded": restored.is_guarded, "journal": journal_json(&restored.journal),
        })),
        Format::Text => output::prose(&format!(
            "{state}: {} records, {}; `gcl-sweep coordinator --state {state}` starts it",
            restored.records,
            described(&restored.journal)
        )),
    }
}

/// Removes artifacts that no record names.
pub fn collect_garbage(arguments: &CollectGarbage, format: Format) -> Result<(), CommandError> {
    let collected = if let Some(state) = &arguments.state {
        be_a_state(state)?;
        for_its_owner(state, || {
            collect_stopped(state, arguments.dry_run).map_err(|error| store(&error))
        })?
    } else {
        super::runtime()?.block_on(async {
            let client = Client::new(&arguments.connection)?;
            let collected = client.collect_garbage(arguments.dry_run).await;
            collected.map_err(|error| client.failed(error))
        })?
    };
    let Collected {
        removed,
        removed_bytes,
        kept,
        kept_bytes,
        young,
    } = collected;
    if format == Format::Json {
        return output::json(&serde_json::json!({
            "dry_run": arguments.dry_run, "removed": removed, "removed_bytes": removed_bytes,
            "kept": kept, "kept_bytes": kept_bytes, "young": young,
        }));
    }
    let would = if arguments.dry_run { "would be " } else { "" };
    let young = if young > 0 {
        format!(", {young} too new to tell")
    } else {
        String::new()
    };
    output::prose(&format!(
        "{} ({removed_bytes} bytes) {would}removed, {} ({kept_bytes} bytes) kept{young}",
        counted(removed, "file"),
        counted(kept, "artifact"),
    ))
}

/// Does something to a state folder. Where root does it to the folder of a service's user, what it made there is that user's
/// afterwards, also where it did not come to its end.
fn for_its_owner<T>(
    state: &Path,
    work: impl FnOnce() -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let done = work();
    let given = ownership::hand_over(state);
    let done = done?;
    given.map_err(|error| {
        CommandError::io("give to its owner what was written in", state, &error)
    })?;
    Ok(done)
}

fn be_a_state(state: &Path) -> Result<(), CommandError> {
    let looked = std::fs::metadata(state.join("journal"));
    if let Err(error) = &looked
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        return Err(CommandError::Store(format!(
            "cannot look into {}: {error}",
            state.display()
        )));
    }
    if looked.is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    Err(CommandError::Store(format!(
        "{} is not a state folder: it has no folder `journal`",
        state.display()
    )))
}

fn store(error: &JournalError) -> CommandError {
    CommandError::Store(error_chain(error))
}

fn described(journal: &Verified) -> String {
    let torn = if journal.is_torn {
        "; the last entry was not written to its end, the next start cuts it off"
    } else {
        ""
    };
    format!(
        "{} entries in {}, up to number {}{torn}",
        journal.entries,
        counted(journal.segments, "segment"),
        journal.sequence
    )
}

fn journal_json(journal: &Verified) -> serde_json::Value {
    serde_json::json!({
        "entries": journal.entries, "segments": journal.segments, "sequence": journal.sequence,
        "chain": journal.chain, "torn": journal.is_torn,
    })
}
