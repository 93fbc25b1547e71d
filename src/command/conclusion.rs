//! The end of a run in words: what came out, where to look, what may be done next.

use std::path::Path;

use reports::SweepResults;
use sweeps::NextStep;

use crate::arguments::Format;
use crate::error::CommandError;
use crate::output;

/// Prints it below the table. Programs that read JSON get the place of the report alone, on stderr.
pub(super) fn print(
    results: &SweepResults,
    next: &[NextStep],
    out: &Path,
    format: Format,
) -> Result<(), CommandError> {
    let page = out.join("report").join("index.html");
    if format == Format::Text {
        let mut text = told(&results.description, &reports::headline(results));
        text.push_str(&steps(next));
        output::prose(&text)?;
    }
    output::say(&format!("report: {}", page.display()));
    Ok(())
}

/// The program in commands of sweep files.
const NAME: &str = "gcl-sweep";

/// What may be typed next, as it works when it is pasted here.
pub(super) fn steps(next: &[NextStep]) -> String {
    let program = std::env::args_os().next();
    let program = program.map(|name| name.to_string_lossy().into_owned());
    steps_of(next, program.as_deref().unwrap_or(NAME))
}

fn told(description: &str, headline: &[String]) -> String {
    let mut text = String::new();
    for paragraph in std::iter::once(description).chain(headline.iter().map(String::as_str)) {
        if !paragraph.is_empty() {
            text.push_str(&format!("\n{}\n", paragraph.trim()));
        }
    }
    text
}

fn steps_of(next: &[NextStep], program: &str) -> String {
    let mut text = String::new();
    if !next.is_empty() {
        text.push_str("\nNext:\n");
    }
    for NextStep { why, command } in next {
        if !why.is_empty() {
            text.push_str(&format!("  {why}\n"));
        }
        // As it was called here, so that the line works when it is pasted.
        let command = match command.strip_prefix(NAME) {
            Some(rest) if rest.starts_with(' ') => {
                format!("{}{rest}", reports::shell_word(program))
            }
            _ => command.clone(),
        };
        text.push_str(&format!("    {command}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_what_came_out_and_commands_that_can_be_pasted() {
        let next = [
            NextStep {
                why: "a figure of the paper:".into(),
                command: "gcl-sweep run fig5.toml".into(),
            },
            NextStep {
                why: String::new(),
                command: "less report.csv".into(),
            },
        ];
        let headline = ["One is ahead.".to_owned(), "It may be chance.".to_owned()];
        assert_eq!(
            told("What was asked.", &headline),
            "\nWhat was asked.\n\nOne is ahead.\n\nIt may be chance.\n"
        );
        assert_eq!(
            steps_of(&next, "my builds/gcl-sweep"),
            "\nNext:\n  a figure of the paper:\n    \
             'my builds/gcl-sweep' run fig5.toml\n    less report.csv\n"
        );
        assert_eq!(told("", &[]) + &steps_of(&[], NAME), "");
    }
}
