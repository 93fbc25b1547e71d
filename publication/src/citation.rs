//! `CITATION.cff`: how a box is cited, in the Citation File Format 1.2.0.

use std::fmt::Write as _;

use crate::manifest::Manifest;
use crate::moment;

/// The text of the file. Authors are given as `Given Family`; without any, the box says so in the place of a name.
pub fn citation(manifest: &Manifest) -> String {
    let mut text = String::from(
        "cff-version: 1.2.0\nmessage: \"If you use these results, please cite them and the paper whose method they are of.\"\ntype: dataset\n",
    );
    let _ = writeln!(text, "title: {}", quoted(&manifest.title));
    text += "authors:\n";
    if manifest.authors.is_empty() {
        let _ = writeln!(text, "  - name: {}", quoted(manifest.unnamed_authors()));
    }
    for author in &manifest.authors {
        match author.rsplit_once(' ') {
            Some((given, family)) => {
                let _ = writeln!(
                    text,
                    "  - given-names: {}\n    family-names: {}",
                    quoted(given),
                    quoted(family)
                );
            }
            None => {
                let _ = writeln!(text, "  - name: {}", quoted(author));
            }
        }
    }
    let _ = writeln!(
        text,
        "date-released: {}",
        moment::date(manifest.last_entry_ms)
    );
    if let Some(licence) = &manifest.licence {
        let _ = writeln!(text, "license: {licence}");
    }
    text += "references:\n  - type: conference-paper\n    title: \"Generative Cooperative Learning for Unsupervised Video Anomaly Detection\"\n    authors:\n";
    for (given, family) in [
        ("Muhammad Zaigham", "Zaheer"),
        ("Arif", "Mahmood"),
        ("Muhammad Haris", "Khan"),
        ("Mattia", "Segu"),
        ("Fisher", "Yu"),
        ("Seung-Ik", "Lee"),
    ] {
        let _ = writeln!(
            text,
            "      - given-names: {}\n        family-names: {}",
            quoted(given),
            quoted(family)
        );
    }
    text += "    collection-title: \"IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)\"\n    year: 2022\n";
    text
}

/// A text as YAML quotes it, which is as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
