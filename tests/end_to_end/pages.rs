//! The README and the guide: what they link to is there, what they tell people to type is understood, and their sweep files mean something.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::page::{Block, Page, pages};
use crate::world::repository;

/// Links of a page are relative paths to files of the repository, with anchors that are there. Pages of the guide link to sweep files outside it
/// alone, which `just book` copies.
#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let by_path: BTreeMap<PathBuf, &Page> = pages
        .iter()
        .map(|page| (page.path.canonicalize().unwrap(), page))
        .collect();
    let mut faults = Vec::new();
    let mut links = 0;
    for page in &pages {
        for (line, link) in page.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let mut wrong =
                |what: &str| faults.push(format!("{}:{line}: {link}: {what}", page.name));
            let (path, anchor) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let target = match path {
                "" => page.path.clone(),
                _ => page.path.parent().unwrap().join(path),
            };
            let Ok(target) = target.canonicalize() else {
                wrong("there is no such file");
                continue;
            };
            if page.is_of_guide() {
                let is_index = page.name == "docs/SUMMARY.md";
                if !target.starts_with(repository().join("docs").canonicalize().unwrap())
                    && !path.starts_with("../sweeps/")
                {
                    wrong("a book of the guide has no such file");
                }
                if path.ends_with("README.md") && !is_index {
                    wrong("in the book this page is called index.html");
                }
            }
            if !anchor.is_empty() {
                match by_path.get(&target) {
                    Some(other) if other.anchors().contains(anchor) => {}
                    _ => wrong("there is no such heading"),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(links > 60, "links are found: {links}");
}

#[test]
fn the_book_has_every_page_once() {
    let docs = repository().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut listed: Vec<String> = Page::new(docs.join("SUMMARY.md"), &summary)
        .links()
        .into_iter()
        .map(|(_, link)| link)
        .collect();
    listed.sort();
    let mut there: Vec<String> = pages()
        .iter()
        .filter(|page| page.is_of_guide() && !page.path.ends_with("SUMMARY.md"))
        .map(|page| {
            let path = page.path.strip_prefix(&docs).unwrap();
            path.display().to_string()
        })
        .collect();
    there.sort();
    assert_eq!(listed, there);
}

/// Subcommands and options of a command, as its `--help` has them.
struct Help {
    commands: BTreeSet<String>,
    options: BTreeSet<String>,
}

impl Help {
    fn of(command: &[String]) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_gcl-sweep"))
            .args(command)
            .arg("--help")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut commands = BTreeSet::new();
        let mut options = BTreeSet::new();
        let mut section = "";
        for line in text.lines() {
            if line.ends_with(':') && !line.starts_with(' ') {
                section = line;
            }
            let words = line.split_whitespace();
            if section == "Commands:" && line.starts_with("  ") && !line.starts_with("   ") {
                commands.extend(words.clone().next().map(str::to_owned));
            }
            if line.trim_start().starts_with('-') {
                options.extend(
                    words
                        .take_while(|word| word.starts_with('-'))
                        .map(|word| word.trim_end_matches(['.', ',']).to_owned()),
                );
            }
        }
        Self { commands, options }
    }
}

/// What `gcl-sweep WORDS` has that the program does not know.
fn unknown(words: &[String], known: &mut BTreeMap<Vec<String>, Help>) -> Option<String> {
    let mut command: Vec<String> = Vec::new();
    let mut rest = words.iter().peekable();
    loop {
        let help = known
            .entry(command.clone())
            .or_insert_with(|| Help::of(&command));
        let Some(word) = rest.peek() else { break };
        if help.commands.contains(*word) {
            command.push((*word).clone());
            rest.next();
        } else if !help.commands.is_empty()
            && !word.starts_with('-')
            && word.chars().all(|letter| letter.is_ascii_lowercase())
            && command.first().is_none_or(|first| first != "coordinator")
        {
            return Some(format!("there is no command `{word}`"));
        } else {
            break;
        }
    }
    let help = &known[&command];
    for word in rest {
        if word == "--" {
            break;
        }
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        let is_option = name.starts_with("--") && name.len() > 2
            || name.len() == 2
                && name.starts_with('-')
                && name.ends_with(|letter: char| letter.is_ascii_alphabetic());
        if is_option && !help.options.contains(name) {
            return Some(format!("`{}` has no option {name}", command.join(" ")));
        }
    }
    None
}

#[test]
fn every_command_line_is_understood() {
    let mut known = BTreeMap::new();
    let mut faults = Vec::new();
    let mut lines = 0;
    for page in pages() {
        for (line, words) in page.commands() {
            lines += 1;
            if let Some(what) = unknown(&words, &mut known) {
                faults.push(format!("{}:{line}: {what}", page.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(lines > 200, "command lines are found: {lines}");
}

/// What a part of a sweep file is put behind, so that it is one.
const REST: &str = "[[variant]]\nname = \"GCL_B\"\n";

#[test]
fn every_sweep_file_in_a_page_means_something() {
    let mut faults = Vec::new();
    let mut files = 0;
    for page in pages() {
        for Block { line, text, .. } in page.blocks_of("toml") {
            files += 1;
            let whole = if text.starts_with("name = ") {
                text.clone()
            } else {
                let data = if text.contains("[dataset") {
                    ""
                } else {
                    "[dataset]\nname = \"my-features\"\n"
                };
                format!("name = \"part\"\n{data}{REST}{text}")
            };
            let name = format!("{}:{line}", page.name);
            if let Err(error) = sweeps::expand_text(&name, &whole, sweeps::Limits::default()) {
                faults.push(error.to_string());
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(files > 15, "sweep files are found: {files}");
}

/// Words of other programs, which no source of ours has.
const OTHERS: [&str; 13] = [
    "Connection refused",
    "Address already in use",
    "No space left on device",
    "No such file",
    "Too many open files",
    "OOMKilled",
    "PartitionTimeLimit",
    "QOSMax",
    "libcuda.so.1",
    "CUDA_ERROR_NO_DEVICE",
    "cannot open shared object file",
    "libcublas",
    "vm.max_map_count",
];

/// A message that the program has not any more would be looked for in vain.
#[test]
fn every_message_that_troubleshooting_quotes_is_said_somewhere() {
    let mut sources = String::new();
    gather(&repository(), &mut sources);
    let page = repository().join("docs/troubleshooting.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let mut faults = Vec::new();
    let mut quotes = 0;
    let mut quoted = false;
    for (index, line) in text.lines().enumerate() {
        if !line.starts_with('|') {
            quoted = false;
        } else if line.starts_with("| you see |") || line.starts_with("| class |") {
            quoted = true;
        } else if quoted && let Some(cell) = line.split('|').nth(1) {
            for quote in cell.split('`').skip(1).step_by(2) {
                for part in quote.split('…') {
                    let part = part.trim_matches([' ', ':', ';', ',', '.', '(', ')']);
                    if part.len() < 5 || OTHERS.iter().any(|other| part.contains(other)) {
                        continue;
                    }
                    quotes += 1;
                    if !sources.contains(part) {
                        faults.push(format!(
                            "troubleshooting.md:{}: nothing says `{part}`",
                            index + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(quotes > 60, "quotes are found: {quotes}");
}

/// The text of all sources, with strings that go over several lines on one, and without the backticks that no quote can have.
fn gather(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            let passed = ["target", "tests", "docs", "out", "node_modules"];
            if !name.starts_with('.') && !passed.iter().any(|start| name.starts_with(start)) {
                gather(&path, sources);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap().replace('`', "");
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("\\\n") {
                sources.push_str(before);
                rest = after.trim_start();
            }
            sources.push_str(rest);
        }
    }
}
