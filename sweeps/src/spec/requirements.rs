//! `[requirements]`: what a worker must have to get a sweep's jobs. No part of a job's id: where it may run is not what it
//! computes.

use super::table::{Entry, as_count, as_list, as_table, as_text, entries, unknown_key};
use crate::fault::{Fault, Found};

/// What a worker must have to get a sweep's jobs, as the file says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceRequest {
    /// The kind of its device, or the beginning of it: `cuda`, `cpu`.
    pub device: Option<String>,
    /// Labels that it must have.
    pub labels: Vec<String>,
    /// Memory of the device at least, in bytes.
    pub memory_bytes: Option<u64>,
}

const KEYS: [&str; 3] = ["device", "labels", "memory_bytes"];
const MAX_LABELS: usize = 64;
const MAX_TEXT: usize = 128;

pub(super) fn read(entry: &Entry<'_>, faults: &mut Found) -> ResourceRequest {
    let mut request = ResourceRequest::default();
    let Some(table) = as_table(entry.value, "requirements", faults) else {
        return request;
    };
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        match entry.key {
            "device" => request.device = word(&entry, faults),
            "memory_bytes" => {
                request.memory_bytes =
                    as_count(entry.value, "memory_bytes", 1..=i64::MAX as u64, faults);
            }
            "labels" => {
                let labels = as_list(entry.value, "labels", faults).unwrap_or_default();
                if labels.len() > MAX_LABELS {
                    let message = format!("more than {MAX_LABELS} labels");
                    faults.push(Fault::new(entry.span(), message, ""));
                }
                for label in labels.iter().take(MAX_LABELS) {
                    let label = Entry {
                        key: "labels",
                        key_span: entry.key_span.clone(),
                        value: label,
                    };
                    request.labels.extend(word(&label, faults));
                }
            }
            _ => faults.push(unknown_key(&entry, "[requirements]", &KEYS)),
        }
    }
    request.labels.sort();
    request.labels.dedup();
    request
}

fn word(entry: &Entry<'_>, faults: &mut Found) -> Option<String> {
    let text = as_text(entry.value, entry.key, faults)?;
    if text.is_empty() || text.len() > MAX_TEXT {
        faults.push(Fault::new(
            entry.span(),
            format!("`{}` must have 1 to {MAX_TEXT} bytes", entry.key),
            "",
        ));
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SweepSpec;

    const FILE: &str = "name = \"s\"\n[dataset]\nname = \"d\"\n[axes]\nseed = [1]\n";

    #[test]
    fn a_file_says_what_its_workers_must_have() {
        let text = format!(
            "{FILE}[requirements]\ndevice = \"cuda\"\nlabels = [\"big\", \"a100\", \"big\"]\nmemory_bytes = 17179869184\n"
        );
        let spec = SweepSpec::parse("s.toml", &text).unwrap();
        let expected = ResourceRequest {
            device: Some("cuda".into()),
            labels: vec!["a100".into(), "big".into()],
            memory_bytes: Some(16 << 30),
        };
        assert_eq!(spec.requirements, expected);
        assert_eq!(
            SweepSpec::parse("s.toml", FILE).unwrap().requirements,
            ResourceRequest::default()
        );
    }

    #[test]
    fn what_it_must_not_say_is_a_fault() {
        for (line, word) in [
            ("devise = \"cuda\"", "devise"),
            ("device = 3", "device"),
            ("device = \"\"", "device"),
            ("labels = \"big\"", "labels"),
            ("labels = [1]", "labels"),
            ("memory_bytes = 0", "memory_bytes"),
            ("memory_bytes = \"16 GiB\"", "memory_bytes"),
        ] {
            let text = format!("{FILE}[requirements]\n{line}\n");
            let faults = SweepSpec::parse("s.toml", &text).unwrap_err().to_string();
            assert!(faults.contains(word), "{line}: {faults}");
        }
    }
}
