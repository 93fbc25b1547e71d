//! How long jobs may take, from those that are finished: no other number is known, and none is made up.

use crate::output::counted;
use std::collections::{BTreeMap, BTreeSet};

use crate::command::rehearsed::RehearsedTimes;
use sweeps::{Cell, CellResult, Digest, JobId, JobSpec};

/// Seconds of finished jobs.
#[derive(Debug, Default, PartialEq)]
pub struct Durations {
    /// Of jobs that differ in their seed alone.
    alike: BTreeMap<JobId, Mean>,
    /// Of a sweep's variant, whatever else differs.
    of_variant: BTreeMap<(String, String), Mean>,
    /// As a rehearsal of the sweep measured a step of each.
    rehearsed: Option<RehearsedTimes>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, seconds: f64) {
        self.sum += seconds;
        self.count += 1;
    }

    fn value(self) -> f64 {
        self.sum / self.count as f64
    }
}

/// What jobs may take.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Seconds of training, one job after the other, of the jobs that something is known of.
    pub seconds: f64,
    /// Those of which like ones have finished.
    pub known: usize,
    /// Those of which a rehearsal measured steps.
    pub rehearsed: usize,
    /// Jobs of which nothing like them has finished.
    pub unknown: usize,
}

impl Durations {
    /// Takes in a finished cell.
    pub fn add(&mut self, sweep: &str, result: &CellResult) {
        let Some(record) = &result.record else {
            return;
        };
        let seconds = record.provenance.duration_s;
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        let key = without_seed(&result.cell, record.provenance.dataset_digest);
        self.alike.entry(key).or_default().add(seconds);
        let variant = (sweep.to_owned(), result.cell.variant.clone());
        self.of_variant.entry(variant).or_default().add(seconds);
    }

    /// Takes in what a rehearsal of the sweep measured.
    pub fn add_rehearsed(&mut self, times: RehearsedTimes) {
        self.rehearsed = Some(times);
    }

    /// The device of the rehearsal.
    pub fn rehearsed_on(&self) -> Option<&str> {
        Some(&self.rehearsed.as_ref()?.device)
    }

    /// What the jobs of these cells may take, each once: as long as those that differ in their seed alone, else as those of
    /// the sweep's variant, else as its rehearsal measured.
    pub fn estimate<'a, K: Ord>(
        &self,
        sweep: &str,
        cells: impl Iterator<Item = (K, &'a Cell, Option<Digest>)>,
    ) -> Estimate {
        let mut seen = BTreeSet::new();
        let mut estimate = Estimate::default();
        for (key, cell, digest) in cells {
            if !seen.insert(key) {
                continue;
            }
            let alike =
                digest.and_then(|digest| self.alike.get(&without_seed(cell, digest)).copied());
            let of_variant = || {
                let variant = (sweep.to_owned(), cell.variant.clone());
                self.of_variant.get(&variant).copied()
            };
            let dataset = cell.job.dataset.to_string();
            let rehearsed = || self.rehearsed.as_ref()?.of(&cell.variant, &dataset);
            if let Some(mean) = alike.or_else(of_variant) {
                estimate.seconds += mean.value();
                estimate.known += 1;
            } else if let Some(seconds) = rehearsed() {
                estimate.seconds += seconds;
                estimate.rehearsed += 1;
            } else {
                estimate.unknown += 1;
            }
        }
        estimate
    }
}

/// The same for all seeds.
fn without_seed(cell: &Cell, dataset: Digest) -> JobId {
    let job = JobSpec {
        seed: 0,
        ..cell.job.clone()
    };
    job.id(dataset)
}

impl Estimate {
    /// Jobs of which something is known.
    pub fn estimated(&self) -> usize {
        self.known + self.rehearsed
    }

    /// One sentence for people; none where nothing is to run. `device` is what the rehearsal measured on.
    pub fn describe(&self, sweep_file: &str, device: Option<&str>) -> Option<String> {
        let jobs = |count: usize| counted(count, "job");
        let rest = format!("`gcl-sweep rehearse {sweep_file}` measures a step of each");
        let estimated = self.estimated();
        if estimated == 0 {
            return (self.unknown > 0)
                .then(|| format!("time: not known before a job like these has finished; {rest}"));
        }
        let on = device.map_or_else(String::new, |device| format!(" on {device}"));
        let how = match (self.known, self.rehearsed) {
            (_, 0) => "as finished ones took".to_owned(),
            (0, _) => format!("as its rehearsal measured{on}"),
            (known, rehearsed) => {
                format!("{known} as finished ones took, {rehearsed} as its rehearsal measured{on}")
            }
        };
        let mut text = format!(
            "time: about {} of training for {}, one after the other, {how}",
            spoken(self.seconds),
            jobs(estimated)
        );
        if self.unknown > 0 {
            text += &format!("; not known for {}: {rest}", jobs(self.unknown));
        }
        Some(text)
    }
}

/// `40 s`, `5 min`, `3 h`, `2 d`; below ten seconds with a digit more.
fn spoken(seconds: f64) -> String {
    if seconds < 0.1 {
        "0.1 s".to_owned()
    } else if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        super::age((seconds * 1000.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sweeps::{JobStatus, Limits, RunRecord, expand_text};

    use super::*;

    const TEXT: &str = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\n\
        [axes]\nseed = [0, 1, 2]\nepochs = [1, 2]\n[[variant]]\nname = \"a\"\n[[variant]]\nname = \"b\"\njob.learning_rate = 1e-3\n";

    fn finished(cell: &Cell, seconds: f64) -> CellResult {
        let record = serde_json::json!({
            "job_id": "0".repeat(64),
            "outcome": sweeps::Outcome::default(),
            "provenance": {
                "attempt": 1, "worker": "w", "device": { "kind": "cpu", "name": "" }, "version": "", "trainer_revision": 2,
                "dataset_digest": "1".repeat(64), "duration_s": seconds, "resumed": 0,
            },
        });
        let record: RunRecord = serde_json::from_value(record).unwrap();
        CellResult {
            cell: cell.clone(),
            job_id: JobId([0; 32]),
            status: JobStatus::Done,
            record: Some(Arc::new(record)),
            live: Vec::new(),
            attempts: 1,
            error: None,
        }
    }

    #[test]
    fn a_job_takes_what_those_of_other_seeds_took_then_what_its_variant_did() {
        let (_, expansion) = expand_text("s.toml", TEXT, Limits::default()).unwrap();
        let cells = &expansion.cells;
        let of = |variant: &str, epochs: &str| -> Vec<&Cell> {
            let wanted = |cell: &&Cell| {
                let point = cell.point[0].as_ref().unwrap().to_string();
                cell.variant == variant && point == epochs
            };
            cells.iter().filter(wanted).collect()
        };
        let digest: Digest = "1".repeat(64).parse().unwrap();
        let mut durations = Durations::default();
        durations.add("s", &finished(of("a", "1")[0], 2.0));
        durations.add("s", &finished(of("a", "1")[1], 4.0));
        durations.add("s", &finished(of("a", "2")[0], 30.0));
        let estimate = |sweep: &str, cells: &[&Cell], digest| {
            let cells = cells.iter().map(|cell| (cell.job.seed, *cell, digest));
            durations.estimate(sweep, cells)
        };
        let known = |seconds, known| Estimate {
            seconds,
            known,
            ..Estimate::default()
        };
        assert_eq!(estimate("s", &of("a", "1"), Some(digest)), known(9.0, 3));
        assert_eq!(
            estimate("other", &of("a", "2"), Some(digest)),
            known(90.0, 3)
        );
        // Of other data only the variant is known.
        assert_eq!(estimate("s", &of("a", "1"), None), known(36.0, 3));
        let unknown = estimate("s", &of("b", "1"), Some(digest));
        assert_eq!((unknown.known, unknown.unknown), (0, 3));
        // The same job twice is trained once.
        let twice = [of("a", "1")[0], of("a", "1")[0]];
        assert_eq!(estimate("s", &twice, Some(digest)), known(3.0, 1));
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        let say = |seconds, known, unknown| {
            let estimate = Estimate {
                seconds,
                known,
                unknown,
                rehearsed: 0,
            };
            estimate.describe("s.toml", None)
        };
        assert_eq!(say(0.0, 0, 0), None);
        assert!(say(0.0, 0, 2).unwrap().starts_with("time: not known"));
        assert!(
            say(7200.0, 3, 0)
                .unwrap()
                .contains("about 2 h of training for 3 jobs")
        );
        assert!(
            say(3.25, 1, 2)
                .unwrap()
                .contains("about 3.2 s of training for 1 job, ")
        );
        assert!(say(3.25, 1, 2).unwrap().contains("not known for 2 jobs"));
        let rehearsed = |known| Estimate {
            seconds: 60.0,
            known,
            rehearsed: 2,
            unknown: 0,
        };
        assert!(
            rehearsed(0)
                .describe("s.toml", Some("cpu-avx2"))
                .unwrap()
                .ends_with("60 s of training for 2 jobs, one after the other, as its rehearsal measured on cpu-avx2")
        );
        assert!(rehearsed(1).describe("s.toml", None).unwrap().ends_with(
            "for 3 jobs, one after the other, 1 as finished ones took, 2 as its rehearsal measured"
        ));
    }
}
