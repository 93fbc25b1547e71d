//! A page of documentation, as far as tests look at it: links, headings, blocks, command lines.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::world::repository;

/// A page in Markdown.
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// Its path in the repository.
    pub name: String,
    lines: Vec<String>,
}

/// A fenced block.
pub struct Block {
    /// The line that it begins in.
    pub line: usize,
    language: String,
    /// What stands in it.
    pub text: String,
}

/// The README, the guide, and what contributors read.
pub fn pages() -> Vec<Page> {
    let root = repository();
    let mut paths = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/decisions"] {
        paths.extend(
            std::fs::read_dir(root.join(folder))
                .unwrap()
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|end| end == "md")),
        );
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            Page::new(path, &text)
        })
        .collect()
}

impl Page {
    pub fn new(path: PathBuf, text: &str) -> Self {
        let name = path
            .strip_prefix(repository())
            .unwrap_or(&path)
            .display()
            .to_string();
        Self {
            path,
            name,
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// Whether it is a page of the book.
    pub fn is_of_guide(&self) -> bool {
        self.name.starts_with("docs/")
    }

    /// The lines outside of fenced blocks, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        self.lines
            .iter()
            .enumerate()
            .filter_map(move |(index, line)| {
                if line.starts_with("```") {
                    fenced = !fenced;
                    return None;
                }
                (!fenced).then_some((index + 1, line.as_str()))
            })
    }

    /// Where its links lead.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (line, text) in self.prose() {
            let mut in_code = false;
            let plain: String = text
                .chars()
                .filter(|letter| {
                    in_code ^= *letter == '`';
                    !in_code
                })
                .collect();
            let targets = plain.split("](").skip(1);
            found.extend(
                targets
                    .filter_map(|rest| rest.split_once(')'))
                    .map(|(target, _)| (line, target.to_owned())),
            );
        }
        found
    }

    /// The anchors of its headings, as forges and mdBook make them.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (_, line) in self.prose() {
            let heading = line.trim_start_matches('#');
            if heading.len() == line.len() || !heading.starts_with(' ') {
                continue;
            }
            let slug: String = heading
                .trim()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| match letter {
                    ' ' => '-',
                    _ => letter,
                })
                .collect();
            let slug = slug.to_lowercase();
            let mut unique = slug.clone();
            let mut number = 0;
            while !found.insert(unique.clone()) {
                number += 1;
                unique = format!("{slug}-{number}");
            }
        }
        found
    }

    /// Its fenced blocks of that language.
    pub fn blocks_of(&self, language: &str) -> Vec<Block> {
        let mut blocks = self.blocks();
        blocks.retain(|block| block.language == language);
        blocks
    }

    fn blocks(&self) -> Vec<Block> {
        let mut found = Vec::new();
        let mut open: Option<Block> = None;
        for (index, line) in self.lines.iter().enumerate() {
            match (line.strip_prefix("```"), open.as_mut()) {
                (Some(language), None) => {
                    open = Some(Block {
                        line: index + 1,
                        language: language.trim().to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block does not end", self.name);
        found
    }

    /// What it tells people to type after `gcl-sweep`, in blocks and in the text.
    pub fn commands(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for block in self.blocks() {
            if !["sh", "console"].contains(&block.language.as_str()) {
                continue;
            }
            let joined = block.text.replace("\\\n", " ");
            for typed in joined.lines() {
                found.extend(arguments(typed).map(|words| (block.line, words)));
            }
        }
        for (line, text) in self.prose() {
            for code in text.split('`').skip(1).step_by(2) {
                found.extend(arguments(code).map(|words| (line, words)));
            }
        }
        found
    }
}

/// The line with `…` for what stands in quotes: another program's words, as a rule.
fn without_quoted(line: &str, quote: char) -> String {
    let outside: Vec<&str> = line.split(quote).step_by(2).collect();
    outside.join("…")
}

/// What stands behind `gcl-sweep` in a line of a shell, or behind `cargo run … --`, up to the end of that command.
fn arguments(line: &str) -> Option<Vec<String>> {
    let bare = without_quoted(&without_quoted(line, '\''), '"');
    let words: Vec<&str> = bare.split_whitespace().collect();
    let is_cargo = |words: &[&str]| {
        words.starts_with(&["cargo", "run"])
            && !words.iter().any(|word| ["-p", "--example"].contains(word))
    };
    let begins = words.iter().position(|word| {
        *word == "gcl-sweep" || word.ends_with("/gcl-sweep") && !word.contains("://")
    });
    let rest = match begins {
        // A path that is no command: `install target/release/gcl-sweep /usr/local/bin`.
        Some(at)
            if words[..at].iter().all(|word| {
                word.contains('=') || ["$", "#", "sudo", "-u", "service", "&&"].contains(word)
            }) =>
        {
            &words[at + 1..]
        }
        _ if is_cargo(&words) => {
            let at = words.iter().position(|word| *word == "--")?;
            &words[at + 1..]
        }
        _ => return None,
    };
    let ends = ["#", "|", ">", ">>", "2>", "&&", ";", "||"];
    let typed = rest
        .iter()
        .take_while(|word| !ends.contains(word))
        .map(|word| word.trim_matches(',').to_owned())
        .collect();
    Some(typed)
}
