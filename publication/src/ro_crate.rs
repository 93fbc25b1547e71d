//! `ro-crate-metadata.json`: the box as a Process Run Crate 0.6 on RO-Crate 1.3, one action an attempt.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sweeps::{JobId, JobStatus};

use crate::content::{Content, cell_label};
use crate::layout;
use crate::ledger::{Attempt, AttemptEnd};
use crate::moment;
use crate::sums::Sums;

const CRATE: &str = "https://w3id.org/ro/crate/1.3";
const CONTEXT: &str = "https://w3id.org/ro/crate/1.3/context";
const PROCESS: &str = "https://w3id.org/ro/wfrun/process/0.6";
const PROGRAM: &str = "#gcl-sweep";
const AUTHORS: &str = "#authors";

/// The text of the file. `files` are all others but itself and [`layout::SUMS`].
pub fn metadata(content: &Content<'_>, files: &Sums) -> String {
    let mut graph = vec![
        json!({"@id": layout::CRATE, "@type": "CreativeWork", "conformsTo": id(CRATE), "about": id("./")}),
        Value::Null,
        json!({"@id": PROCESS, "@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.6"}),
    ];
    let actions = actions(content);
    let mentions: Vec<Value> = actions
        .iter()
        .map(|action| json!({"@id": action["@id"]}))
        .collect();
    let authors = authors(content, &mut graph);
    let licence = licence(content, &mut graph);
    graph[1] = json!({
        "@id": "./", "@type": "Dataset", "name": content.manifest.title, "description": description(content),
        "datePublished": moment::date_time(content.manifest.last_entry_ms), "license": licence, "author": authors,
        "conformsTo": id(PROCESS), "mentions": one_or_many(mentions),
        "hasPart": one_or_many(files.keys().map(|path| id(&encoded(path))).collect()),
    });
    graph.push(program(content));
    graph.extend(workers(content));
    graph.extend(files.iter().map(|(path, sum)| {
        let mut entity = json!({
            "@id": encoded(path), "@type": "File", "name": name_of(path, content), "encodingFormat": format_of(path),
            "contentSize": sum.bytes.to_string(), "sha256": sum.sha256,
        });
        if path == layout::CITATION || path == layout::README {
            entity["about"] = id("./");
        }
        entity
    }));
    graph.extend(actions);
    let document = json!({
        "@context": [CONTEXT, {"environment": "https://w3id.org/ro/terms/workflow-run#environment"}],
        "@graph": graph,
    });
    // Texts and numbers alone: there is nothing that JSON could not say.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn id(id: &str) -> Value {
    json!({"@id": id})
}

/// A single value stands without a list.
fn one_or_many(mut values: Vec<Value>) -> Value {
    match (values.len(), values.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            values.push(last);
            Value::Array(values)
        }
        (_, None) => Value::Array(values),
    }
}

fn description(content: &Content<'_>) -> String {
    let names: Vec<&str> = content
        .manifest
        .sweeps
        .iter()
        .map(|sweep| sweep.name.as_str())
        .collect();
    format!(
        "Results of the sweeps {} of Generative Cooperative Learning for video anomaly detection: report, tables, figures, records, scores and the \
         journal of the runs. `gcl-sweep verify` checks them and runs a sample of the jobs again.",
        names.join(", ")
    )
}

fn authors(content: &Content<'_>, graph: &mut Vec<Value>) -> Value {
    let named = &content.manifest.authors;
    if named.is_empty() {
        let name = content.manifest.unnamed_authors();
        graph.push(json!({"@id": AUTHORS, "@type": "Organization", "name": name}));
        return id(AUTHORS);
    }
    let people: Vec<Value> = named
        .iter()
        .enumerate()
        .map(|(position, name)| {
            let who = format!("#author-{}", position + 1);
            graph.push(json!({"@id": who, "@type": "Person", "name": name}));
            id(&who)
        })
        .collect();
    one_or_many(people)
}

/// Who started the jobs.
fn agent(content: &Content<'_>) -> Value {
    if content.manifest.authors.is_empty() {
        id(AUTHORS)
    } else {
        id("#author-1")
    }
}

fn licence(content: &Content<'_>, graph: &mut Vec<Value>) -> Value {
    let (licence, name, description) = match &content.manifest.licence {
        Some(spdx) => (
            format!("https://spdx.org/licenses/{spdx}"),
            spdx.clone(),
            format!("The results are under {spdx}; data sets have licences of their own."),
        ),
        None => (
            "#no-licence".to_owned(),
            "No licence was chosen".to_owned(),
            "Nobody has said under which licence these results are: ask their authors.".to_owned(),
        ),
    };
    graph.push(
        json!({"@id": licence, "@type": "CreativeWork", "name": name, "description": description}),
    );
    id(&licence)
}

fn program(content: &Content<'_>) -> Value {
    let program = &content.manifest.program;
    // Without a repository the box itself says how the program is used.
    let url = program.repository.as_deref().unwrap_or(layout::README);
    json!({
        "@id": PROGRAM, "@type": "SoftwareApplication", "name": "gcl-sweep", "version": program.version, "url": url,
        "description": "Runs sweeps of Generative Cooperative Learning for video anomaly detection",
        "license": id(layout::LICENCES[0]), "softwareRequirements": id(layout::LOCK_FILE),
    })
}

/// What attempts ran on.
fn workers(content: &Content<'_>) -> Vec<Value> {
    let attempts = content.ledger.attempts.values();
    let known: BTreeMap<String, Value> = attempts.flat_map(environment).collect();
    known.into_values().collect()
}

fn environment(attempt: &Attempt) -> Vec<(String, Value)> {
    let property = |name: &str, value: &str| {
        let id = format!("#{name}-{}", layout::plain(value));
        let entity = json!({"@id": id, "@type": "PropertyValue", "name": name, "value": value});
        (id, entity)
    };
    let mut all = Vec::new();
    if let Some(worker) = &attempt.worker {
        all.push(property("worker", worker));
    }
    if let Some(device) = &attempt.device {
        let device = format!("{} ({})", device.kind, device.name);
        all.push(property("device", &device));
    }
    all
}

/// What is known of a job.
struct Job {
    label: String,
    command: String,
    inputs: BTreeSet<String>,
    outputs: Vec<String>,
}

fn jobs(content: &Content<'_>) -> BTreeMap<JobId, Job> {
    let mut jobs: BTreeMap<JobId, Job> = BTreeMap::new();
    for sweep in content.sweeps {
        let results = sweep.results;
        let file = layout::sweep_file(&sweep.named.files);
        for cell in &results.cells {
            let dataset = cell.cell.job.dataset.to_string();
            let data = content
                .datasets
                .iter()
                .find(|data| data.facts.name == dataset)
                .map(|data| layout::croissant(&data.named.files));
            let job = jobs.entry(cell.job_id).or_insert_with(|| Job {
                label: cell_label(&results.columns, &cell.cell),
                command: format!(
                    "gcl-sweep run {file} --only variant={},seed={}",
                    reports::shell_word(&cell.cell.variant),
                    cell.cell.job.seed
                ),
                inputs: BTreeSet::new(),
                outputs: Vec::new(),
            });
            job.inputs.insert(encoded(&file));
            job.inputs.extend(data.map(|path| encoded(&path)));
            if cell.status == JobStatus::Done
                && job.outputs.is_empty()
                && let Some(record) = &cell.record
            {
                job.outputs.push(encoded(&layout::record(cell.job_id)));
                job.outputs.extend(
                    record
                        .outcome
                        .artifacts
                        .iter()
                        .map(|artifact| encoded(&layout::artifact(artifact.digest))),
                );
            }
        }
    }
    jobs
}

fn actions(content: &Content<'_>) -> Vec<Value> {
    let jobs = jobs(content);
    content
        .ledger
        .attempts
        .values()
        .filter_map(|attempt| Some(action(content, attempt, jobs.get(&attempt.job)?)))
        .collect()
}

fn action(content: &Content<'_>, attempt: &Attempt, job: &Job) -> Value {
    let mut entity = Map::new();
    let mut set = |key: &str, value: Value| entity.insert(key.to_owned(), value);
    set(
        "@id",
        json!(format!("#attempt-{}-{}", attempt.job, attempt.number)),
    );
    set("@type", json!("CreateAction"));
    set("name", json!(job.label));
    set(
        "description",
        json!(match attempt.end {
            AttemptEnd::TakenOver => format!(
                "{} (taken over from a cache of finished results: trained before, for another folder)",
                job.command
            ),
            _ => format!("{} (attempt {})", job.command, attempt.number),
        }),
    );
    set("instrument", id(PROGRAM));
    set("agent", agent(content));
    if let Some(began) = attempt.began_ms {
        set("startTime", json!(moment::date_time(began)));
    }
    if let Some(ended) = attempt.ended_ms {
        set("endTime", json!(moment::date_time(ended)));
    }
    set(
        "object",
        one_or_many(job.inputs.iter().map(|input| id(input)).collect()),
    );
    let environment: Vec<Value> = environment(attempt)
        .iter()
        .map(|(name, _)| id(name))
        .collect();
    if !environment.is_empty() {
        set("environment", one_or_many(environment));
    }
    let mut set_failed = |why: &str| {
        set("actionStatus", id("http://schema.org/FailedActionStatus"));
        set("error", json!(why));
    };
    match &attempt.end {
        AttemptEnd::Finished | AttemptEnd::TakenOver => {
            set(
                "actionStatus",
                id("http://schema.org/CompletedActionStatus"),
            );
            set(
                "result",
                job.outputs.iter().map(|output| id(output)).collect(),
            );
        }
        AttemptEnd::Failed(failure) => set_failed(&failure.to_string()),
        AttemptEnd::Released(why) => set_failed(why),
        AttemptEnd::Open => {}
    }
    Value::Object(entity)
}

/// A path as an IRI has it.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~' | b'+') {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

fn format_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html",
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonl",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("md") => "text/markdown",
        Some("toml" | "lock") => "application/toml",
        Some("cff") => "application/yaml",
        Some("safetensors" | "npy") => "application/octet-stream",
        _ => "text/plain",
    }
}

fn name_of(path: &str, content: &Content<'_>) -> String {
    let fixed = match path {
        layout::MANIFEST => "What this box is",
        layout::JOURNAL => {
            "The journal of the runs, each entry with the hash of everything before it"
        }
        layout::LOCK_FILE => "Exact versions of everything the program is made of",
        layout::README => "How to read and check this box",
        layout::CITATION => "How to cite it",
        layout::APPENDIX => "Artifact appendix",
        layout::CHECKLIST => "Answers to a reproducibility checklist",
        layout::PAGE => "Report",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    if let Some(job) = path
        .strip_prefix("evidence/records/")
        .and_then(|name| name.strip_suffix(".json"))
    {
        return format!("Record of job {}", &job[..job.len().min(12)]);
    }
    for sweep in content.sweeps {
        if path == layout::sweep_file(&sweep.named.files) {
            return format!("Sweep file of {}", sweep.named.name);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_is_an_iri() {
        assert_eq!(super::encoded("data/a b/ü.csv"), "data/a%20b/%C3%BC.csv");
    }
}
