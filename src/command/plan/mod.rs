//! `gcl-sweep plan`: what a sweep would run. Nothing is started.

mod groups;
mod json;
mod room;

use std::collections::BTreeSet;

use sweeps::{Adaptive, JobId};

use crate::arguments::{Format, Plan};
use crate::command::difference::Difference;
use crate::command::estimate::Estimate;
use crate::command::known::Known;
use crate::command::places::{lost_state, places, rehearsal};
use crate::command::preflight;
use crate::command::rehearsed::RehearsedTimes;
use crate::command::submit;
use crate::command::sweep_file::{JobKey, SweepFile};
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::labels;
use crate::output;
use crate::output::counted;
use groups::Group;
use room::Room;

/// What is planned.
struct Planned<'a> {
    file: &'a SweepFile,
    /// The job of each cell.
    keys: Vec<JobKey>,
    groups: Vec<Group<'a>>,
    known: Known,
    /// Jobs that the cache of finished results has.
    cached: BTreeSet<JobId>,
    /// What changes of the version that ran; nothing where none did.
    difference: Option<Difference>,
    estimate: Estimate,
    room: Room,
    warnings: Vec<String>,
}

/// Prints the groups of the grid, what is done already, what a run will need, and what looks wrong.
pub fn plan(arguments: &Plan, format: Format) -> Result<(), CommandError> {
    let mut file = SweepFile::select(&arguments.selection)?;
    file.open_datasets(&Folders::resolve(&arguments.selection.folders)?)?;
    let planned = Planned::of(arguments, &file)?;
    match format {
        Format::Json => output::json(&json::planned(&planned))?,
        Format::Text if arguments.jobs => planned.print_jobs()?,
        Format::Text => output::print(&groups::table(&file, &planned.groups))?,
    }
    for source in &file.spec.datasets {
        if file.digest_of(source).is_none() {
            output::say(&format!(
                "note: the data set `{source}` is not known here, so its jobs have no id yet; add --data {source}=DIR"
            ));
        }
    }
    if format == Format::Text {
        planned.say();
    }
    let (out, state) = places(&file, arguments.out.as_deref(), arguments.state.as_deref());
    if let (None, Some(lost)) = (&arguments.state, lost_state(&out)) {
        output::say(&format!(
            "note: `run` refuses this: {} leads to {}, which is not there",
            out.join("state").display(),
            lost.display()
        ));
    }
    if let Some(hidden) = planned.refused() {
        output::say(&format!(
            "note: `run` refuses this: {}",
            submit::would_hide(&state, &file, hidden)
        ));
    }
    Ok(())
}

impl<'a> Planned<'a> {
    fn of(arguments: &Plan, file: &'a SweepFile) -> Result<Self, CommandError> {
        let found = preflight::check(file)?;
        let mut known = known(arguments, file)?;
        for folder in rehearsal(file) {
            if let Some(times) = RehearsedTimes::read(&folder, &file.spec.name) {
                known.durations.add_rehearsed(times);
                break;
            }
        }
        let keys = file.job_keys();
        let is_done = |key: &JobKey| key.id().is_some_and(|id| known.done.contains(&id));
        let wanted: BTreeSet<JobId> = keys
            .iter()
            .filter(|key| !is_done(key))
            .filter_map(|key| key.id())
            .collect();
        let cached = cached(arguments, &wanted);
        let is_open =
            |key: &JobKey| !is_done(key) && !key.id().is_some_and(|id| cached.contains(&id));
        let open = file.expansion.cells.iter().zip(&keys);
        let open = open.filter(|(_, key)| is_open(key));
        let estimate = known.durations.estimate(
            &file.spec.name,
            open.map(|(cell, key)| (key, cell, file.digest_of(&cell.job.dataset))),
        );
        let groups = groups::groups(file, &found, &keys, &is_done);
        let left: BTreeSet<&JobKey> = keys.iter().filter(|key| is_open(key)).collect();
        let room = Room::of(&groups, &found, left.len());
        // Without ids nothing can be compared.
        let difference = known
            .meaning
            .as_ref()
            .and_then(|meaning| Difference::of_file(file, &keys, &known.earlier, meaning.hidden));
        Ok(Self {
            file,
            groups,
            cached,
            difference,
            estimate,
            room,
            warnings: found.warnings,
            known,
            keys,
        })
    }

    fn is_done(&self, key: &JobKey) -> bool {
        key.id().is_some_and(|id| self.known.done.contains(&id))
    }

    /// Jobs that a run of some cells alone would hide: it is refused.
    fn refused(&self) -> Option<u64> {
        let hidden = self.known.meaning.as_ref()?.hidden;
        let is_part = self.file.spec.selections().next().is_some();
        (is_part && hidden > 0).then_some(hidden)
    }

    /// Its different jobs, and those of them that are done.
    fn jobs(&self) -> (usize, usize) {
        let different: BTreeSet<&JobKey> = self.keys.iter().collect();
        let done = different.iter().filter(|key| self.is_done(key)).count();
        (different.len(), done)
    }

    fn print_jobs(&self) -> Result<(), CommandError> {
        let columns = &self.file.expansion.columns;
        let short = |id: Option<JobId>| id.map_or_else(|| "?".repeat(12), |id| id.short());
        for (cell, key) in self.file.expansion.cells.iter().zip(&self.keys) {
            let id = key.id();
            let mark = match id {
                _ if self.is_done(key) => "done",
                Some(id) if self.cached.contains(&id) => "cached",
                _ => "new",
            };
            let label = labels::label(columns, cell);
            output::print(&format!("{}  {mark:<6}  {label}", short(id)))?;
        }
        for cell in self.difference.iter().flat_map(|found| &found.hidden) {
            let label = labels::with_seed(&cell.label, cell.seed);
            output::print(&format!("{}  hidden  {label}", short(cell.job)))?;
        }
        Ok(())
    }

    /// What a person must know beside the table.
    fn say(&self) {
        let (jobs, done) = self.jobs();
        output::say(&match &self.known.meaning {
            Some(meaning) => submit::describe(meaning),
            None => describe(self.file, jobs, done),
        });
        if !self.cached.is_empty() {
            output::say(&format!(
                "{} of the {} to run are known from other folders (cache of finished results): `run` takes them over, with --no-cache it trains them",
                self.cached.len(),
                counted(jobs - done, "job"),
            ));
        }
        if self.refused().is_none() {
            for line in self.difference.iter().flat_map(Difference::lines) {
                output::say(&line);
            }
        }
        if let Some(adaptive) = &self.file.expansion.adaptive {
            output::say(&growth(adaptive, jobs));
        }
        let rehearsed_on = self.known.durations.rehearsed_on();
        let time = self.estimate.describe(&self.file.path, rehearsed_on);
        for line in time.into_iter().chain(self.room.lines()) {
            output::say(&line);
        }
    }
}

/// What the state folder knows. One that nobody named is where `run` would put it; whoever holds it open is no reason not to
/// plan.
fn known(arguments: &Plan, file: &SweepFile) -> Result<Known, CommandError> {
    let (_, state) = places(file, arguments.out.as_deref(), arguments.state.as_deref());
    let request = submit::request(file, arguments.selection.max_jobs);
    #[cfg(feature = "coordinator")]
    let known = super::state::known(&state, &request, &file.spec.name);
    #[cfg(not(feature = "coordinator"))]
    let known: Result<Known, CommandError> = {
        let _ = request;
        Err(super::without_coordinator(&format!(
            "reading {}",
            state.display()
        )))
    };
    if let Ok(Known {
        nothing: Some(why), ..
    }) = &known
        && arguments.state.is_some()
    {
        output::say(&format!("note: {why}"));
    }
    match known {
        Err(CommandError::Store(why) | CommandError::Usage(why)) if arguments.state.is_none() => {
            output::say(&format!(
                "note: what is done in {} is not known: {why}",
                state.display()
            ));
            Ok(Known::default())
        }
        known => known,
    }
}

/// Which of these jobs the cache of finished results has.
#[cfg(feature = "coordinator")]
fn cached(arguments: &Plan, jobs: &BTreeSet<JobId>) -> BTreeSet<JobId> {
    super::reuse::cached(&arguments.cache, jobs).unwrap_or_else(|why| {
        output::say(&format!(
            "note: what the cache of finished results has is not known: {why}"
        ));
        BTreeSet::new()
    })
}

/// Only a coordinator takes results over.
#[cfg(not(feature = "coordinator"))]
fn cached(_: &Plan, _: &BTreeSet<JobId>) -> BTreeSet<JobId> {
    BTreeSet::new()
}

/// One line on how many jobs the claims may make of it.
fn growth(adaptive: &Adaptive, jobs: usize) -> String {
    let settings = &adaptive.family.settings;
    format!(
        "{}: it begins with {jobs} jobs ({} seeds of each side), and `run --until-decided` makes it {} at most ({} seeds); no claim can hold before {} seeds",
        counted(adaptive.family.size(), "claim"),
        settings.min,
        jobs + adaptive.most_added(),
        settings.max,
        adaptive.family.fewest_seeds()
    )
}

/// One line on what a run would be, where no state folder says it.
fn describe(file: &SweepFile, jobs: usize, finished: usize) -> String {
    let cells = file.expansion.cells.len();
    let twice = cells - jobs;
    let twice = if twice > 0 {
        format!(", {} with the job of another", counted(twice, "cell"))
    } else {
        String::new()
    };
    format!(
        "{}: {}, {}, {finished} done, {} to run{twice}",
        file.spec.name,
        counted(cells, "cell"),
        counted(jobs, "job"),
        jobs - finished
    )
}
