//! What a result is known by: what the job computes, and what decides the bits that come out.

use std::path::PathBuf;

use sweeps::{JobId, RunRecord};

/// Ends the name of every file.
const ENDING: &str = ".result";
/// Bytes of a kind of device; those that there are have some tens.
const LONGEST_KIND: usize = 120;

/// What a result is known by. The job's id says its parameters, its data and the trainer's revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The job.
    pub job: JobId,
    /// The kind of device: bits are promised equal where it is equal.
    pub kind: String,
}

impl Key {
    /// That of a record.
    pub fn of(record: &RunRecord) -> Self {
        Self {
            job: record.job_id,
            kind: record.provenance.device.kind.clone(),
        }
    }

    /// Whether a record lies under it.
    pub fn is_of(&self, record: &RunRecord) -> bool {
        self.job == record.job_id && self.kind == record.provenance.device.kind
    }

    /// Its file below the folder; `None` where the kind of device cannot be a part of a name.
    pub fn path(&self) -> Option<PathBuf> {
        let job = self.job.to_string();
        let name = format!("{job}-{}{ENDING}", self.kind);
        (is_plain(&self.kind)).then(|| PathBuf::from(&job[..2]).join(name))
    }

    /// The key whose file has that name.
    pub fn of_name(name: &str) -> Option<Self> {
        let (job, kind) = name.strip_suffix(ENDING)?.split_once('-')?;
        let key = Self {
            job: job.parse().ok()?,
            kind: kind.to_owned(),
        };
        is_plain(kind).then_some(key)
    }
}

fn is_plain(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_KIND).contains(&kind.len()) && kind.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_job_and_kind_and_leaves_no_folder() {
        let key = Key {
            job: JobId([0xab; 32]),
            kind: "cuda-sm90-132sm-cublas13.1.0-tf32".into(),
        };
        let path = key.path().unwrap();
        assert!(path.starts_with("ab"));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(Key::of_name(name), Some(key.clone()));
        for kind in ["", "../x", "a/b", "a b", &"x".repeat(200)] {
            let key = Key {
                kind: kind.into(),
                ..key.clone()
            };
            assert_eq!(key.path(), None, "{kind}");
        }
        for name in ["x", "notes.txt", "abc-cpu.result", ".result"] {
            assert_eq!(Key::of_name(name), None, "{name}");
        }
    }
}
