//! What Slurm's commands print, as sites let them print it: pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::policy::AllocationState;

/// A line of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The id, of an array's element with its number.
    pub id: String,
    /// The cluster, where more than one was asked.
    pub cluster: Option<String>,
    /// Where it stands.
    pub state: AllocationState,
    /// Why it waits, in Slurm's word.
    pub reason: Option<String>,
}

/// What accounting says of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where it stands.
    pub state: AllocationState,
    /// Slurm's word for that.
    pub word: String,
    /// The exit code of its script.
    pub exit: Option<u8>,
}

/// The id that `sbatch --parsable` gave, and the cluster where it names one. Sites let `sbatch` print more: banners, notes,
/// another form of the answer. The answer stands alone in its line, and it is the last such line.
pub fn submitted(text: &str) -> Option<(String, Option<String>)> {
    let lines = || text.lines().rev().map(plain);
    let alone = lines().find_map(|line| {
        let (id, cluster) = match line.split_once(';') {
            Some((id, cluster)) => (id, Some(cluster.trim().to_owned())),
            None => (line.as_str(), None),
        };
        let is_word = |cluster: &String| {
            !cluster.is_empty() && !cluster.contains(|letter: char| letter.is_whitespace())
        };
        (is_number(id) && cluster.as_ref().is_none_or(is_word)).then(|| (id.to_owned(), cluster))
    });
    // A wrapper that does not hand `--parsable` on.
    alone.or_else(|| {
        lines().find_map(|line| {
            let rest = line.split_once("Submitted batch job ")?.1;
            let mut words = rest.split_whitespace();
            let id = words.next().filter(|id| is_number(id))?.to_owned();
            let cluster = match (words.next(), words.next()) {
                (Some("on"), Some("cluster")) => words.next().map(str::to_owned),
                _ => None,
            };
            Some((id, cluster))
        })
    })
}

/// A line without what a terminal is told by it.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // Up to the letter that ends the sequence.
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else if !letter.is_control() {
            plain.push(letter);
        }
    }
    plain.trim().to_owned()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The lines `id|STATE|time|reason` of `squeue`; the reason may be missing, and other lines are passed over.
pub fn queue(text: &str) -> Vec<Listed> {
    let mut cluster = None;
    let mut found = Vec::new();
    for line in text.lines().map(plain) {
        if let Some(name) = line.strip_prefix("CLUSTER:") {
            cluster = Some(name.trim().to_owned());
            continue;
        }
        let mut fields = line.splitn(4, '|').map(str::trim);
        let (Some(id), Some(word), Some(time)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if word.is_empty()
            || !word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        {
            continue;
        }
        let reason = fields
            .next()
            .filter(|reason| !matches!(*reason, "" | "None"));
        for id in elements(id) {
            found.push(Listed {
                id,
                cluster: cluster.clone(),
                state: state(word, elapsed(time).unwrap_or_default()),
                reason: reason.map(str::to_owned),
            });
        }
    }
    found
}

/// The ids that are meant by `12`, `12_3`, or `12_[0-3,7%2]`, an array that waits.
fn elements(id: &str) -> Vec<String> {
    let (array, element) = match id.split_once('_') {
        None if is_number(id) => return vec![id.to_owned()],
        Some((array, element)) if is_number(array) => (array, element),
        _ => return Vec::new(),
    };
    if is_number(element) {
        return vec![id.to_owned()];
    }
    let Some(list) = element.strip_prefix('[') else {
        return Vec::new();
    };
    let list = list.split(['%', ']']).next().unwrap_or_default();
    let mut found = Vec::new();
    for part in list.split(',') {
        let (part, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last), Ok(step)) = (first.parse(), last.parse(), step.parse()) else {
            // A list that Slurm cut short (`…`): what can be read of it.
            continue;
        };
        let range: std::ops::RangeInclusive<u32> = first..=last;
        found.extend(
            range
                .step_by(usize::max(step, 1))
                .map(|element| format!("{array}_{element}")),
        );
    }
    found
}

/// The lines `id|STATE|time|exit:signal` of `sacct`.
pub fn accounts(text: &str) -> BTreeMap<String, Account> {
    let account = |line: String| {
        let mut fields = line.split('|').map(str::trim);
        let (id, word, time) = (fields.next()?, fields.next()?, fields.next()?);
        // `CANCELLED by 1000`.
        let state = state(
            word.split_whitespace().next()?,
            elapsed(time).unwrap_or_default(),
        );
        let exit = fields.next().and_then(|code| code.split(':').next());
        let account = Account {
            state,
            word: word.to_owned(),
            exit: exit.and_then(|code| code.parse().ok()),
        };
        elements(id).into_iter().next().map(|id| (id, account))
    };
    text.lines().map(plain).filter_map(account).collect()
}

impl Account {
    /// Why it ended, and what to do about it.
    pub fn why(&self) -> String {
        let word = self.word.split_whitespace().next().unwrap_or_default();
        let hint = match (word, self.exit) {
            ("OUT_OF_MEMORY", _) => {
                "it used more memory than it had asked for: ask for more (`-- --mem=…`)"
            }
            ("TIMEOUT" | "DEADLINE", _) => "its time was up",
            ("NODE_FAIL" | "BOOT_FAIL", _) => "its node failed",
            ("PREEMPTED", _) => "it made room for others",
            ("CANCELLED", _) => "somebody cancelled it",
            (_, Some(2)) => "the worker's command line is wrong: see its output",
            (_, Some(12)) => {
                "its worker did not reach the coordinator, or was refused: see its output"
            }
            (_, Some(13)) => "its scratch folder cannot be used: see its output",
            (_, Some(15)) => "its GPU cannot be used: see its output",
            (_, Some(126 | 127)) => {
                "the program is not there, or does not run on that node (GCL_SWEEP): see its output"
            }
            _ => "see its output",
        };
        match self.exit {
            Some(code) if code > 0 => format!("{}, exit code {code}: {hint}", self.word),
            _ => format!("{}: {hint}", self.word),
        }
    }
}

fn state(word: &str, ran: Duration) -> AllocationState {
    match word {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED"
        | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => AllocationState::Waiting,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT"
        | "RESIZING" => AllocationState::Running(ran),
        "COMPLETED" | "CANCELLED" | "PREEMPTED" | "TIMEOUT" | "DEADLINE" | "REVOKED" => {
            AllocationState::Ended { ran, failed: false }
        }
        // FAILED, NODE_FAIL, BOOT_FAIL, OUT_OF_MEMORY, and whatever a later Slurm calls a bad end.
        _ => AllocationState::Ended { ran, failed: true },
    }
}

/// Slurm's `[days-][hours:]minutes:seconds`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    let mut seconds = 0_u64;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    Some(Duration::from_secs(
        days.checked_mul(86_400)?.checked_add(seconds)?,
    ))
}

/// Whether an allocation that waits for that reason goes on waiting until somebody changes something.
pub fn waits_in_vain(reason: &str) -> bool {
    const REASONS: [&str; 14] = [
        "PartitionTimeLimit",
        "PartitionNodeLimit",
        "PartitionInactive",
        "PartitionDown",
        "BadConstraints",
        "DependencyNeverSatisfied",
        "InvalidAccount",
        "InvalidQOS",
        "JobHeldAdmin",
        "JobHeldUser",
        "AccountNotAllowed",
        "QOSNotAllowed",
        "AssociationJobLimit",
        "launch_failed_requeued_held",
    ];
    let reason = reason.trim_matches(['(', ')']).replace(' ', "_");
    REASONS.contains(&reason.as_str())
        || reason.ends_with("PerJobLimit")
        || (reason.starts_with("QOSMax") || reason.starts_with("AssocMax"))
            && reason.ends_with("PerJob")
}

/// What the arguments of `sbatch`, or the directives of a batch script, say that concerns more than `sbatch`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The clusters (`--clusters`), which the other commands must be told as well.
    pub clusters: Option<String>,
    /// Options that would break the counting of allocations.
    pub uncountable: Vec<&'static str>,
}

/// What these arguments say; the last word wins, as in `sbatch`.
pub fn wishes<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Wishes {
    let mut wishes = Wishes::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ if argument.starts_with('-') && !argument.starts_with("--") => {
                match argument.char_indices().nth(2) {
                    Some((at, _)) => (&argument[..at], Some(&argument[at..])),
                    None => (argument, None),
                }
            }
            _ => (argument, None),
        };
        let uncountable = match name {
            "--clusters" | "--cluster" | "-M" => {
                let value = value.or_else(|| arguments.next());
                wishes.clusters = value.filter(|value| !value.is_empty()).map(str::to_owned);
                continue;
            }
            "--array" | "-a" => "--array",
            "--wait" | "-W" => "--wait",
            "--job-name" | "-J" => "--job-name",
            "--test-only" => "--test-only",
            _ => continue,
        };
        wishes.uncountable.push(uncountable);
    }
    wishes
}

/// The options that a batch script gives itself: its lines `#SBATCH …` before the first command.
pub fn directives(script: &str) -> Vec<&str> {
    script
        .lines()
        .map(str::trim)
        .take_while(|line| line.is_empty() || line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("#SBATCH"))
        .flat_map(|options| {
            options
                .split_whitespace()
                .take_while(|word| !word.starts_with('#'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_id_is_found_in_what_sites_let_sbatch_say() {
        let id = |text| submitted(text).map(|(id, _)| id);
        let banner = "-----------------------------------------------------------------\n          Welcome to the Stampede3 Supercomputer\n-----------------------------------------------------------------\n\nNo reservation for this job\n--> Verifying valid submit host (login4)...OK\n--> Verifying access to desired queue (gpu)...OK\n--> Checking available allocation (TG-1234)...OK\n";
        for text in [
            "519605\n",
            "519605",
            " 519605 \r\n",
            &format!("{banner}519605\n"),
            &format!("519605\n{banner}"),
            "INFO auks cred added 12\n519605\n",
            "\u{1b}[32m519605\u{1b}[0m\n",
            "sbatch: Warning: can't run 1 processes on 2 nodes\n519605\nThe job will use 128 credits\n",
            "Submitted batch job 519605\n",
            "sbatch: lua: Submitted batch job 519605 (to be charged to vision)\n",
        ] {
            assert_eq!(id(text).as_deref(), Some("519605"), "{text}");
        }
        let on = Some(("519605".to_owned(), Some("slaking".to_owned())));
        assert_eq!(submitted("519605;slaking\n"), on);
        assert_eq!(submitted(&format!("{banner}519605;slaking\n{banner}")), on);
        assert_eq!(
            submitted("Submitted batch job 519605 on cluster slaking"),
            on
        );
        for text in ["", "hello", "job 5 of 7", "12;two words", "-5", banner] {
            assert_eq!(submitted(text), None, "{text}");
        }
    }

    #[test]
    fn slurms_queue_is_understood() {
        let found = queue(
            "Welcome | to | the | cluster\nCLUSTER: one\n17|RUNNING|2:05|None\n17_3|PENDING|0:00|(Resources)\nCLUSTER: two\n 9|COMPLETED|1-02:03:04\n9|NODE_FAIL|0:01|None\nslurm_load_jobs error\nabc|RUNNING|0:01|None\n",
        );
        let listed = |id: &str, cluster: &str, state, reason: Option<&str>| Listed {
            id: id.into(),
            cluster: Some(cluster.into()),
            state,
            reason: reason.map(str::to_owned),
        };
        let ended = |ran, failed| AllocationState::Ended { ran, failed };
        assert_eq!(
            found,
            [
                listed("17", "one", AllocationState::Running(seconds(125)), None),
                listed("17_3", "one", AllocationState::Waiting, Some("(Resources)")),
                listed("9", "two", ended(seconds(93_784), false), None),
                listed("9", "two", ended(seconds(1), true), None),
            ]
        );
        let ids = |text| {
            queue(text)
                .into_iter()
                .map(|one| one.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids("12_[0-2,7,10-14:2%2]|PENDING|0:00|Priority"),
            ["12_0", "12_1", "12_2", "12_7", "12_10", "12_12", "12_14"]
        );
        assert_eq!(ids("12_[0-1,...]|PENDING|0:00|Priority"), ["12_0", "12_1"]);
        assert_eq!(elapsed("INVALID"), None);
    }

    #[test]
    fn accounting_says_how_an_allocation_ended_and_why() {
        let found = accounts(
            "17|OUT_OF_MEMORY|00:00:12|0:125\n18|CANCELLED by 1000|00:00:00|0:0\n19_2|FAILED|00:00:03|127:0\n20|RUNNING|1-00:00:00|0:0\n17.batch|FAILED|00:00:03|1:0\n21|TIMEOUT|12:00:00|0:0\nsacct: nonsense\n",
        );
        let ids: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(ids, ["17", "18", "19_2", "20", "21"]);
        assert_eq!(
            found["17"].state,
            AllocationState::Ended {
                ran: seconds(12),
                failed: true
            }
        );
        assert!(found["17"].why().contains("--mem"));
        assert_eq!(
            found["18"].state,
            AllocationState::Ended {
                ran: seconds(0),
                failed: false
            }
        );
        assert!(found["19_2"].why().contains("exit code 127"));
        assert!(found["19_2"].why().contains("GCL_SWEEP"));
        assert_eq!(found["20"].state, AllocationState::Running(seconds(86_400)));
        assert!(found["21"].why().contains("time was up"));
    }

    #[test]
    fn what_waits_for_a_change_of_its_request_is_known() {
        for reason in [
            "PartitionTimeLimit",
            "(QOSMaxWallDurationPerJobLimit)",
            "QOSMaxGRESPerJob",
            "launch failed requeued held",
            "JobHeldAdmin",
        ] {
            assert!(waits_in_vain(reason), "{reason}");
        }
        for reason in ["Resources", "Priority", "QOSMaxJobsPerUserLimit", "None"] {
            assert!(!waits_in_vain(reason), "{reason}");
        }
    }

    #[test]
    fn options_that_concern_more_than_sbatch_are_seen() {
        let clusters = |arguments: &[&str]| wishes(arguments.iter().copied()).clusters;
        for arguments in [
            &["--clusters=a,b"][..],
            &["-M", "a,b"],
            &["-Ma,b", "--partition=gpu"],
            &["--clusters=c", "--clusters", "a,b"],
        ] {
            assert_eq!(clusters(arguments).as_deref(), Some("a,b"), "{arguments:?}");
        }
        assert_eq!(clusters(&["-p", "gpu", "--mem=8G"]), None);
        for (argument, option) in [
            ("--array=0-3", "--array"),
            ("-a0-3", "--array"),
            ("-W", "--wait"),
            ("-Jmine", "--job-name"),
            ("--job-name=mine", "--job-name"),
        ] {
            assert_eq!(wishes([argument]).uncountable, [option], "{argument}");
        }
        for fine in ["--account=vision", "-A", "-wnode7", "--gres=gpu:4"] {
            assert_eq!(wishes([fine]), Wishes::default(), "{fine}");
        }
        let script = "#!/bin/bash\n# about --array\n#SBATCH --gres=gpu:1 -M far # not near\n##SBATCH --array=0-3\n\n#SBATCH --time=1:00\necho\n#SBATCH --wait\n";
        assert_eq!(
            directives(script),
            ["--gres=gpu:1", "-M", "far", "--time=1:00"]
        );
    }
}
