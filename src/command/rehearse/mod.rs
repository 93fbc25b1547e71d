//! `gcl-sweep rehearse`: the whole road of a sweep on stand-ins, before anybody spends a week of GPU on it.
//!
//! Every cell of the grid trains a small copy of its job, by the coordinator and the worker processes that a `run` has;
//! artifacts are kept, and the report is written. Then the figures that the file asks for are looked for, and what the
//! real run will need is estimated. Nothing of a rehearsal can be taken for a result: its jobs have a trainer's revision
//! of their own, its state folder takes no others, and its tables and pages say what they are.

#[cfg(feature = "train")]
mod measure;
#[cfg(feature = "train")]
mod needs;
#[cfg(feature = "train")]
mod print;
#[cfg(feature = "train")]
mod stand_ins;

#[cfg(feature = "train")]
pub use real::rehearse;

/// A control plane trains nothing.
#[cfg(not(feature = "train"))]
pub fn rehearse(
    _: &crate::arguments::Rehearse,
    _: crate::arguments::Format,
) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no trainer (it was made without the feature `train`): rehearse with a full build".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use std::path::Path;

    use proto::nouns::Row;
    use reports::{NotDrawn, SweepResults};
    use sweeps::CellResult;
    use tokio_util::sync::CancellationToken;

    use super::stand_ins::{StandIns, origin};
    use super::{needs, print};
    use crate::arguments::{Cache, CachePlace, Format, Notify, Rehearse, Run};
    use crate::command::coordinator::Security;
    use crate::command::local_coordinator::LocalCoordinator;
    use crate::command::places::rehearsal;
    use crate::command::run::{offer, settle};
    use crate::command::sweep_file::SweepFile;
    use crate::command::{preflight, rehearsed, report, watch};
    use crate::data_folders::Folders;
    use crate::error::CommandError;
    use crate::interrupt;
    use crate::output::say;

    /// Rehearses the sweep.
    pub fn rehearse(arguments: &Rehearse, format: Format) -> Result<(), CommandError> {
        let mut file = SweepFile::select(&arguments.selection)?;
        // The folders that are here are checked as a run checks them.
        file.open_datasets(&Folders::resolve(&arguments.selection.folders)?)?;
        preflight::check(&file)?;
        let out = arguments.out.clone().unwrap_or_else(|| {
            let [of_selection, _] = rehearsal(&file);
            of_selection
        });
        refuse_results(&out)?;
        crate::folder::make(&out)?;
        let state = out.join("state");
        let run = as_run(arguments, &out, &state);
        let runtime = crate::command::runtime()?;
        let stop = runtime
            .block_on(async { interrupt::token() })
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        runtime.block_on(begin_anew(&out, &state, &stop))?;
        let real = std::mem::take(&mut file.datasets);
        say(&format!(
            "rehearsal of {}: small networks, two epochs, stand-ins for the data; no number of it is a result",
            file.spec.name
        ));
        let stand_ins = StandIns::make(&file, &real, &out)?;
        for stand_in in stand_ins.all() {
            say(&format!("data set {}: {}", stand_in.name, origin(stand_in)));
        }
        file.datasets = stand_ins.open()?;
        let folders = stand_ins.folders();
        let road = runtime.block_on(walk(&run, &file, &folders, (&out, &state), &stop))?;
        let rehearsed = needs::Rehearsed {
            state: &state,
            cells: &road.cells,
        };
        let needs = needs::estimate(&file, &stand_ins, &rehearsed, &arguments.team.device, &stop)?;
        if stop.is_cancelled() {
            return Err(interrupted());
        }
        // `plan` says from it how long the real run will take.
        let kept = print::as_json(&needs, &road.results, &road.missing).to_string();
        let path = out.join(rehearsed::FILE);
        durable::replace(&path, &[kept.as_bytes()], durable::Writing::ATOMIC)
            .map_err(|error| CommandError::io("write", &path, &error))?;
        print::print(&needs, &road.results, &road.missing, format)?;
        say(&format!(
            "report: {}",
            out.join("report").join("index.html").display()
        ));
        watch::end(&format!("rehearsal of {}", file.spec.name), &road.rows)?;
        demand_figures(&file, &road.missing)
    }

    /// The same settings as those of a run; one job needs one thread.
    fn as_run(arguments: &Rehearse, out: &Path, state: &Path) -> Run {
        Run {
            selection: arguments.selection.clone(),
            // Small networks on stand-ins decide nothing, and call nobody.
            until_decided: false,
            notify: Notify::default(),
            out: Some(out.to_owned()),
            team: arguments.team.clone(),
            threads: Some(1),
            state: Some(state.to_owned()),
            open: false,
            // Nothing of a rehearsal is a result.
            cache: Cache {
                place: CachePlace {
                    folder: None,
                    gib: 0.0,
                },
                no_cache: true,
            },
        }
    }

    /// A folder with results of real runs is not written over.
    fn refuse_results(out: &Path) -> Result<(), CommandError> {
        if !out.join("results.csv").exists() {
            return Ok(());
        }
        let rehearsals =
            reports::read_csv(out).is_ok_and(|all| all.iter().all(|results| results.rehearsal));
        if rehearsals {
            return Ok(());
        }
        Err(CommandError::Store(format!(
            "{} holds results of a real run, which a rehearsal would write over\n\nhint: leave out --out, or give a folder of its own",
            out.display()
        )))
    }

    /// Removes what an earlier rehearsal left in its state folder: whoever rehearses again has another file or another
    /// program, and wants to see all of it work.
    ///
    /// # Errors
    /// The folder is in use, or holds jobs of another kind.
    async fn begin_anew(
        out: &Path,
        state: &Path,
        stop: &CancellationToken,
    ) -> Result<(), CommandError> {
        if !state.exists() {
            return Ok(());
        }
        let security = Security::rehearsal();
        let coordinator = LocalCoordinator::start("rehearse", out, state, security, stop).await?;
        coordinator.stop().await?;
        std::fs::remove_dir_all(state)
            .map_err(|error| CommandError::io("remove the earlier rehearsal's", state, &error))
    }

    /// The end of the road.
    struct Road {
        rows: Vec<Row>,
        cells: Vec<CellResult>,
        results: SweepResults,
        missing: Vec<NotDrawn>,
    }

    fn interrupted() -> CommandError {
        CommandError::Interrupted(
            "interrupted: the same command rehearses from the beginning".into(),
        )
    }

    async fn walk(
        run: &Run,
        file: &SweepFile,
        folders: &Folders,
        (out, state): (&Path, &Path),
        stop: &CancellationToken,
    ) -> Result<Road, CommandError> {
        let security = Security::rehearsal();
        let coordinator = LocalCoordinator::start("rehearse", out, state, security, stop).await?;
        let outcome = match offer(run, file, state, &coordinator).await {
            Ok(()) => settle(run, file, folders, state, &coordinator, stop).await,
            Err(error) => Err(error),
        };
        let reported = match &outcome {
            Ok(_) => {
                let client = coordinator.client()?;
                let cells = client.cells(&file.spec.name).await;
                let results = report::write(&client, &file.spec.name, out, Some(file)).await;
                Some(cells.and_then(|cells| Ok((cells, results?))))
            }
            Err(_) => None,
        };
        coordinator.stop().await?;
        let rows = outcome.map_err(|error| match error {
            CommandError::Interrupted(_) => interrupted(),
            other => other,
        })?;
        let (cells, results) = reported.transpose()?.unwrap_or_default();
        let figures = reports::render_figures(std::slice::from_ref(&results))
            .map_err(|error| CommandError::other(&error))?;
        let missing = reports::not_drawn(&results, &figures);
        Ok(Road {
            rows,
            cells,
            results,
            missing,
        })
    }

    /// A file that asks for what its sweep cannot have is wrong.
    fn demand_figures(file: &SweepFile, missing: &[NotDrawn]) -> Result<(), CommandError> {
        if missing.is_empty() {
            return Ok(());
        }
        if file.spec.selections().next().is_some() {
            // Some cells alone need not have what the whole sweep has.
            let names: Vec<&str> = missing
                .iter()
                .map(|missing| missing.name.as_str())
                .collect();
            say(&format!(
                "note: these cells alone do not make {}",
                names.join(", ")
            ));
            return Ok(());
        }
        let mut text = format!(
            "{} asks for what its report does not have, though every job is done:",
            file.path
        );
        for missing in missing {
            text += &format!("\n  {}: it needs {}", missing.name, missing.needs);
        }
        text += "\n\nhint: change [report], or what the sweep varies and keeps; the real run would lack the same";
        Err(CommandError::Input(text))
    }
}
