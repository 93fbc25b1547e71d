//! What takes names, hosts and paths out of a box for double-blind review, and what looks whether any are left.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names with what stands in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    names: BTreeMap<String, String>,
}

/// Words that are no names: looking for them would find sentences.
const COMMON: [&str; 10] = [
    "root",
    "user",
    "admin",
    "ubuntu",
    "debian",
    "localhost",
    "home",
    "work",
    "data",
    "test",
];
/// A shorter name is found in half of all words.
const SHORTEST: usize = 3;

impl Aliases {
    /// Workers become `worker-1`, `worker-2`, … in the order given.
    pub fn of_workers<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut aliases = Self::default();
        for name in names {
            let next = format!("worker-{}", aliases.names.len() + 1);
            aliases.names.entry(name.to_owned()).or_insert(next);
        }
        aliases
    }

    /// Adds a name that must not be told: a host's, a user's, a home's.
    pub fn hide(&mut self, name: &str, alias: &str) {
        if name.len() >= SHORTEST && !COMMON.contains(&name) {
            self.names
                .entry(name.to_owned())
                .or_insert_with(|| alias.to_owned());
        }
    }

    /// A text without names and paths: the last part of a path stays.
    pub fn text(&self, text: &str) -> String {
        if let Some(alias) = self.names.get(text) {
            return alias.clone();
        }
        let mut text = without_paths(text);
        // Longer names first: one may be the beginning of another.
        let mut names: Vec<(&String, &String)> = self.names.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, alias) in names {
            text = replaced(&text, name, alias);
        }
        text
    }

    /// Takes names out of every text of a value. The text of a sweep file stays as it is, since jobs follow from it, and the
    /// outcome of a job, which running it again must give; of a version its number stays; a worker's labels go.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(fields) => {
                fields.remove("labels");
                for (key, value) in fields {
                    match (key.as_str(), &mut *value) {
                        ("text", Value::String(_)) | ("outcome", _) => {}
                        ("version", Value::String(text)) => *text = number_of(text).to_owned(),
                        _ => self.value(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The first name that a text still has, with its line from 1.
    pub fn left_in(&self, text: &str) -> Option<(usize, &str)> {
        text.lines().enumerate().find_map(|(line, text)| {
            self.names
                .keys()
                .filter(|name| name.len() >= SHORTEST && !is_usual(name))
                .find(|name| position(text, name).is_some())
                .map(|name| (line + 1, name.as_str()))
        })
    }
}

/// A worker of a `run` is called so on every machine.
fn is_usual(name: &str) -> bool {
    ["local-", "worker-"].iter().any(|usual| {
        name.strip_prefix(usual)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// `0.1.0` of `0.1.0 (a536f59c)`: a commit can be looked up.
pub fn number_of(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or_default()
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where a name stands as a word of its own.
fn position(text: &str, name: &str) -> Option<usize> {
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_of_a_word) && !after.is_some_and(is_of_a_word)
    })
}

fn replaced(text: &str, name: &str, alias: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = position(rest, name) {
        out += &rest[..at];
        out += alias;
        rest = &rest[at + name.len()..];
    }
    out + rest
}

/// `/home/me/data/x.npy` becomes `…/x.npy`.
fn without_paths(text: &str) -> String {
    let is_end = |letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | ':' | ',' | ';' | ')' | '(')
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let is_begin = rest[..at]
            .chars()
            .next_back()
            .is_none_or(|letter| is_end(letter) || letter == '=');
        let end = rest[at..]
            .find(is_end)
            .map_or(rest.len(), |length| at + length);
        let path = &rest[at..end];
        out += &rest[..at];
        match path.trim_end_matches('/').rsplit_once('/') {
            Some((above, last)) if is_begin && !above.is_empty() && !path.starts_with("//") => {
                out += "…/";
                out += last;
            }
            _ => out += path,
        }
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases() -> Aliases {
        let mut aliases = Aliases::of_workers(["gpu07.lab.example-gpu-0", "gpu07.lab.example"]);
        aliases.hide("mallory", "author");
        aliases.hide("root", "author");
        aliases
    }

    #[test]
    fn names_hosts_and_paths_go_and_sentences_stay() {
        let aliases = aliases();
        for (told, hidden) in [
            ("gpu07.lab.example-gpu-0", "worker-1"),
            ("lost on gpu07.lab.example: gone", "lost on worker-2: gone"),
            (
                "cannot read /home/mallory/sets/a.npy: no",
                "cannot read …/a.npy: no",
            ),
            ("mallorys and mallory", "mallorys and author"),
            ("root mean square 3/4 of a/b", "root mean square 3/4 of a/b"),
            ("https://example.org/a/b", "https://example.org/a/b"),
            ("--data ucf=/scratch/sets/ucf", "--data ucf=…/ucf"),
        ] {
            assert_eq!(aliases.text(told), hidden);
        }
    }

    #[test]
    fn a_value_keeps_the_text_of_its_sweep_file() {
        let mut value = serde_json::json!({
            "submission": {"file": "/home/mallory/s.toml", "text": "# by mallory"},
            "hello": {"name": "gpu07.lab.example", "version": "0.1.0 (abc)", "labels": ["rack"], "slots": 1},
        });
        aliases().value(&mut value);
        assert_eq!(
            value,
            serde_json::json!({
                "submission": {"file": "…/s.toml", "text": "# by mallory"},
                "hello": {"name": "worker-2", "version": "0.1.0", "slots": 1},
            })
        );
        // What it must not change is what the look at the end is for.
        assert_eq!(
            aliases().left_in("name = \"s\"\n# by mallory\n"),
            Some((2, "mallory"))
        );
        assert_eq!(aliases().left_in("worker-1 has a root"), None);
    }
}
