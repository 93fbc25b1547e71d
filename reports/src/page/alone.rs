//! The command that runs one cell alone: the same job, of the same id, as in the whole sweep.

use std::fmt::Write;

use sweeps::{CellResult, Selection};

use super::Section;
use super::html::escape;
use crate::order::compare_cells;
use crate::results::SweepResults;

/// Commands that are listed at most.
const MOST: usize = 20_000;

/// The command for one cell; `None` where nothing is known of how the sweep was run.
pub(super) fn command(results: &SweepResults, cell: &CellResult) -> Option<String> {
    let whole = whole(results)?;
    let selection = Selection::of(&cell.cell, &results.columns).to_string();
    Some(format!("{whole} --only {}", shell_word(&selection)))
}

/// The sweep's command without its folder, which the part shall not share, and without another selection.
fn whole(results: &SweepResults) -> Option<&str> {
    let command = results.command.as_str();
    let known = !command.is_empty() && !results.source_path.is_empty();
    let end = [" --out ", " --only "]
        .into_iter()
        .filter_map(|flag| command.find(flag))
        .min();
    known.then(|| &command[..end.unwrap_or(command.len())])
}

/// The command of every cell, a line each; not on paper, where a thousand would be twenty pages of one pattern.
pub(super) fn listing(section: &Section<'_>) -> String {
    let results = section.results;
    if whole(results).is_none() {
        return String::new();
    }
    let mut cells: Vec<&CellResult> = results.cells.iter().collect();
    cells.sort_by(|left, right| compare_cells(left, right));
    let mut html = format!(
        "<details class=\"screen\"><summary>The command of each cell ({})</summary>\n<pre tabindex=\"0\"><code>",
        cells.len()
    );
    for cell in cells.iter().take(MOST) {
        if let Some(command) = command(results, cell) {
            let (id, status) = (cell.job_id.short(), cell.status.name());
            let _ = writeln!(html, "{}  # {id} {status}", escape(&command));
        }
    }
    if cells.len() > MOST {
        let _ = writeln!(html, "# {} more", cells.len() - MOST);
    }
    html.push_str("</code></pre></details>\n");
    html
}

/// A word as a shell reads it, in single quotes where it must be.
pub fn shell_word(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./=,:+@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_shell_reads_the_word_again() {
        for word in [
            "sweeps/fig10.toml",
            "variant=GCL_B,seed=3",
            "",
            "a b",
            "it's",
            "$(rm -r x)",
            "名 \"q\" \\ `x`",
            "*",
            "~",
            "a\nb",
        ] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", shell_word(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(shell_word("variant=GCL_B,seed=3"), "variant=GCL_B,seed=3");
    }
}
