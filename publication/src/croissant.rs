//! A data set in Croissant 1.1: small ones with their files, large ones by digest and counts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::content::{DataContent, DataFacts};
use crate::layout;
use crate::manifest::Manifest;
use crate::moment;
use crate::sums::{FileSum, Sums};

/// `splits.csv`: what a data set's splits hold.
pub fn splits(facts: &DataFacts) -> String {
    let mut text = String::from("split,videos,segments,frames,anomalous_frames\n");
    for (name, counts) in [("train", facts.train), ("test", facts.test)] {
        let Some(counts) = counts else { continue };
        let anomalous = counts
            .anomalous_frames
            .map_or_else(String::new, |frames| frames.to_string());
        let _ = writeln!(
            text,
            "{name},{},{},{},{anomalous}",
            counts.videos, counts.segments, counts.frames
        );
    }
    text
}

/// The description. `sums` has the data set's files.
pub fn describe(manifest: &Manifest, data: &DataContent, sums: &Sums) -> String {
    let facts = &data.facts;
    let own = format!("data/{}/", data.named.files);
    let mut distribution = Vec::new();
    let mut add = |path: &str, sum: &FileSum, format: &str, name: &str| {
        distribution.push(json!({
            "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": path.strip_prefix(&own).unwrap_or(path),
            "contentSize": format!("{} B", sum.bytes), "encodingFormat": format, "sha256": sum.sha256,
        }));
    };
    let splits_path = layout::splits(&data.named.files);
    if let Some(sum) = sums.get(&splits_path) {
        add(&splits_path, sum, "text/csv", "splits.csv");
    }
    let files = layout::dataset_folder(&data.named.files);
    for (path, _) in &data.files {
        let plain = path
            .strip_prefix(&format!("{files}/"))
            .unwrap_or(path)
            .to_owned();
        let format = match plain.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => "text/csv",
            Some("toml") => "application/toml",
            _ => "application/octet-stream",
        };
        if let Some(sum) = sums.get(path) {
            add(path, sum, format, &plain);
        }
    }
    let mut records = vec![record_set(
        "splits",
        "splits.csv",
        "What the two splits hold.",
        &[
            ("split", "sc:Text"),
            ("videos", "sc:Integer"),
            ("segments", "sc:Integer"),
            ("frames", "sc:Integer"),
            ("anomalous_frames", "sc:Integer"),
        ],
    )];
    for list in ["train.csv", "test.csv"] {
        if data
            .files
            .iter()
            .any(|(path, _)| *path == format!("{files}/{list}"))
        {
            records.push(record_set(
                list.trim_end_matches(".csv"),
                list,
                "The videos of the split, with what is known of each.",
                &[
                    ("video", "sc:Text"),
                    ("features", "sc:Text"),
                    ("frames", "sc:Integer"),
                ],
            ));
        }
    }
    let document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "name": facts.name,
        "description": description(data),
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "citeAs": facts.source.clone().unwrap_or_else(|| format!("Data set {} of {}", facts.name, manifest.title)),
        "license": licence(facts),
        "url": "https://mlcommons.org/croissant/",
        "creator": {"@type": "sc:Organization", "name": creator(facts)},
        "datePublished": moment::date(manifest.last_entry_ms),
        "version": version(facts),
        "distribution": distribution,
        "recordSet": records,
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn creator(facts: &DataFacts) -> String {
    if facts.synthetic {
        return "The generator of gcl-sweep".to_owned();
    }
    facts
        .source
        .clone()
        .unwrap_or_else(|| "Not known to the authors of this box".to_owned())
}

fn licence(facts: &DataFacts) -> String {
    match &facts.licence {
        Some(licence) if !licence.trim().is_empty() => licence.clone(),
        _ if facts.synthetic => {
            "None needed: a generator makes the data from the settings in the sweep file".to_owned()
        }
        _ => "Not known to the authors of this box".to_owned(),
    }
}

/// Semantic versioning is asked for: the digest is what tells versions apart.
fn version(facts: &DataFacts) -> String {
    match facts.digest {
        Some(digest) => format!("1.0.0+{}", digest.short()),
        None => "1.0.0".to_owned(),
    }
}

fn description(data: &DataContent) -> String {
    let facts = &data.facts;
    let mut text = if facts.synthetic {
        "Synthetic data, made from settings in the sweep file, equal to the bit everywhere."
            .to_owned()
    } else {
        "Features of videos, a row a segment.".to_owned()
    };
    if let Some(digest) = facts.digest {
        let _ = write!(text, " Digest (BLAKE3) {digest}.");
    }
    if let Some(dimension) = facts.feature_dim {
        let _ = write!(text, " {dimension} dimensions.");
    }
    if let Some(extractor) = &facts.extractor {
        let _ = write!(text, " Extractor: {extractor}.");
    }
    if let Some(source) = &facts.source {
        let _ = write!(text, " Source: {source}.");
    }
    if data.files.is_empty() && !facts.synthetic {
        text += " The files are not in the box: `gcl-sweep verify --data NAME=DIR` takes a copy with that digest.";
    }
    text
}

fn record_set(name: &str, file: &str, description: &str, fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(field, kind)| {
            json!({
                "@type": "cr:Field", "@id": format!("{name}/{field}"), "name": format!("{name}/{field}"),
                "description": format!("Column {field}."), "dataType": kind,
                "source": {"fileObject": {"@id": file}, "extract": {"column": field}},
            })
        })
        .collect();
    json!({"@type": "cr:RecordSet", "@id": name, "name": name, "description": description, "field": fields})
}

/// The context of Croissant 1.1, as its specification gives it.
fn context() -> Value {
    json!({
        "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
        "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
        "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
        "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
        "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
        "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
        "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
    })
}
