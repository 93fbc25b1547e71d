//! `gcl-sweep publish`: the results of sweeps as a folder that others can check.

mod data;
mod evidence;
mod journal;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use coordinator::state::StateReader;
use proto::error_chain;
use proto::nouns::StateKind;
use publication::{Aliases, FORMAT, JournalFacts, Ledger, Manifest, layout, manifest, sums};

use self::evidence::Gathered;
use crate::arguments::{Backup, Format, Publish};
use crate::command::published::{OpenBox, Temporary, derive, pretty, put, walk};
use crate::command::report;
use crate::data_folders::Folders;
use crate::door;
use crate::error::CommandError;
use crate::output::{self, say};

/// The licences of the program.
const LICENCES: [&str; 2] = [
    include_str!("../../LICENSE-APACHE"),
    include_str!("../../LICENSE-MIT"),
];

/// Writes the box.
pub fn publish(arguments: &Publish, format: Format) -> Result<(), CommandError> {
    let out = &arguments.out;
    crate::folder::make(out)?;
    let inside = std::fs::read_dir(out).map_err(|error| CommandError::io("read", out, &error))?;
    if inside.count() > 0 {
        return Err(CommandError::Usage(format!(
            "{} is not empty: a box goes into a folder of its own",
            out.display()
        )));
    }
    let runtime = super::runtime()?;
    let copy = beside(out);
    let state = state_folder(arguments, &copy, &runtime)?;
    let (reader, entries) = StateReader::open_with_entries(&state)
        .map_err(|error| CommandError::Store(error_chain(&error)))?;
    if let Some(StateKind::Noop | StateKind::Rehearsal) = reader.kind() {
        return Err(CommandError::Usage(format!(
            "the state folder {} holds no results: its jobs trained nothing, or stand-ins",
            state.display()
        )));
    }
    let names = names(&reader, &arguments.sweeps)?;
    let folders = Folders::resolve(&arguments.folders)?;
    let mut gathered = Gathered::of(&reader, &names, &folders)?;
    let jobs = gathered.jobs();
    let is_alone = reader.sweeps().len() == names.len();
    let mut lines = journal::lines(entries, &names, &jobs, is_alone)?;
    let original = JournalFacts::of(&lines).head;
    let mut aliases = Aliases::default();
    if arguments.anonymous {
        aliases = journal::aliases(&lines);
        hide_this_machine(&mut aliases);
        lines = journal::without_names(lines, &aliases)?;
        gathered.hide(&aliases)?;
    }
    let ledger =
        Ledger::of(&lines, &jobs).map_err(|fault| CommandError::Store(fault.to_string()))?;
    let mut program = report::this_program();
    if arguments.anonymous {
        let number = publication::aliases::number_of(&program.version).to_owned();
        program.version = number;
        program.repository = None;
    }
    let manifest = Manifest {
        format: FORMAT,
        title: title(arguments, &names),
        authors: arguments.authors.clone(),
        licence: arguments.licence.clone(),
        anonymous: arguments.anonymous,
        last_entry_ms: ledger.last_ms,
        sweeps: manifest::named(names.iter().cloned()),
        datasets: manifest::named(gathered.datasets.iter().map(|data| data.name.clone())),
        program,
        journal: JournalFacts {
            original_head: arguments.anonymous.then_some(original),
            ..JournalFacts::of(&lines)
        },
    };
    let write = |path: &str, bytes: &[u8]| put(out, path, bytes);
    for (path, text) in layout::LICENCES.into_iter().zip(LICENCES) {
        write(path, text.as_bytes())?;
    }
    write(layout::LOCK_FILE, report::LOCK_FILE)?;
    write(
        layout::JOURNAL,
        publication::chain::write(&lines).as_bytes(),
    )?;
    gathered.write(out, &manifest, &reader)?;
    data::include(arguments, &folders, &gathered, &manifest, out)?;
    write(layout::MANIFEST, pretty(&manifest)?.as_bytes())?;
    let opened = OpenBox::open(out).map_err(|fault| {
        CommandError::Other(format!("what was gathered cannot be read back: {fault}"))
    })?;
    let derived = runtime.block_on(derive(&opened, out))?;
    if arguments.anonymous {
        be_without_names(out, &aliases)?;
    }
    // Last: a box without its sums is not finished.
    write(layout::SUMS, sums::write(&derived.sums).as_bytes())?;
    drop(copy);
    tell(arguments, &opened, &derived.sums, format)
}

/// The state folder to read: one that is named, that of a run, or a copy of a coordinator's.
fn state_folder(
    arguments: &Publish,
    copy: &Temporary,
    runtime: &tokio::runtime::Runtime,
) -> Result<PathBuf, CommandError> {
    if let Some(state) = &arguments.state {
        return Ok(state.clone());
    }
    if let Some(run) = &arguments.run {
        return door::state_folder(run).ok_or_else(|| {
            CommandError::Input(format!(
                "{} has no state folder: give the --out of a `run`",
                run.display()
            ))
        });
    }
    say("copying the state of the coordinator");
    let backup = Backup {
        out: copy.0.clone(),
        state: None,
        connection: arguments.connection.clone(),
    };
    runtime.block_on(super::store::receive(&backup))?;
    Ok(copy.0.clone())
}

/// Where a coordinator's state may be copied to; it goes when the box is written.
fn beside(out: &Path) -> Temporary {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(format!(".state-{}", durable::word()));
    Temporary(out.with_file_name(name))
}

fn names(reader: &StateReader, asked: &[String]) -> Result<Vec<String>, CommandError> {
    let known: Vec<String> = reader
        .sweeps()
        .into_iter()
        .map(|sweep| sweep.name)
        .collect();
    if known.is_empty() {
        return Err(CommandError::Input("there is no sweep to publish".into()));
    }
    if asked.is_empty() {
        return Ok(known);
    }
    let mut names: Vec<String> = Vec::new();
    for name in asked {
        if !known.contains(name) {
            return Err(CommandError::Usage(format!(
                "there is no sweep `{name}`; there are: {}",
                known.join(", ")
            )));
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

fn title(arguments: &Publish, names: &[String]) -> String {
    arguments
        .title
        .clone()
        .unwrap_or_else(|| format!("Results of {}", names.join(", ")))
}

/// Names of this machine and its user.
fn hide_this_machine(aliases: &mut Aliases) {
    let host = nix::unistd::gethostname().ok();
    if let Some(host) = host.and_then(|name| name.into_string().ok()) {
        aliases.hide(&host, "host");
        if let Some((short, _)) = host.split_once('.') {
            aliases.hide(short, "host");
        }
    }
    if let Some(home) = std::env::home_dir() {
        aliases.hide(&home.display().to_string(), "home");
    }
    if let Ok(Some(user)) = nix::unistd::User::from_uid(nix::unistd::getuid()) {
        aliases.hide(&user.name, "author");
    }
}

/// Looks whether any name is left.
fn be_without_names(out: &Path, aliases: &Aliases) -> Result<(), CommandError> {
    let mut left = Vec::new();
    let files = walk(out, "").map_err(|error| CommandError::io("read", out, &error))?;
    for (path, _) in files {
        let bytes = std::fs::read(out.join(&path))
            .map_err(|error| CommandError::io("read", &out.join(&path), &error))?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            continue;
        };
        if let Some((line, name)) = aliases.left_in(text) {
            left.push(format!("{path}, line {line}: `{name}`"));
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(CommandError::Input(format!(
        "names are left, and the box is not finished: {}\n\nhint: a sweep file, the title and what a data set says of itself are published as they are: take the names out there",
        left.join("; ")
    )))
}

fn tell(
    arguments: &Publish,
    opened: &OpenBox,
    sums: &sums::Sums,
    format: Format,
) -> Result<(), CommandError> {
    let bytes: u64 = sums.values().map(|sum| sum.bytes).sum();
    let finished = opened.finished().len();
    let jobs: BTreeSet<_> = opened
        .sweeps
        .iter()
        .flat_map(|sweep| sweep.evidence.job_ids())
        .collect();
    if finished < jobs.len() {
        say(&format!(
            "note: {} of {} jobs have a result; the box says what became of the others",
            finished,
            jobs.len()
        ));
    }
    if let Format::Json = format {
        return output::json(&serde_json::json!({
            "out": arguments.out.display().to_string(), "files": sums.len() + 1, "bytes": bytes,
            "sweeps": opened.manifest.sweeps, "jobs": jobs.len(), "finished": finished,
            "journal": opened.manifest.journal,
        }));
    }
    output::prose(&format!(
        "{}: {} files, {}; {finished} jobs with a result; journal of {} entries",
        arguments.out.display(),
        sums.len() + 1,
        publication::content::size(bytes),
        opened.manifest.journal.entries
    ))?;
    say(&format!(
        "to check it: gcl-sweep verify {}",
        reports::shell_word(&arguments.out.display().to_string())
    ));
    Ok(())
}
