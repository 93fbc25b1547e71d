//! `gcl-sweep new`: a commented sweep file, from a few questions or options.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use sweeps::{Choice, DraftData, Show, draft};

use crate::arguments::New;
use crate::error::CommandError;
use crate::output::{self, say};

/// Writes or prints the file.
pub fn new(arguments: &New) -> Result<(), CommandError> {
    let asked = arguments.show.is_none()
        && arguments.data.is_none()
        && arguments.seeds.is_none()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal();
    let answers = if asked {
        ask(arguments, &mut io::stdin().lock())?
    } else {
        Answers {
            show: show(arguments.show.as_deref()),
            data: arguments.data.clone(),
            seeds: arguments.seeds,
            file: arguments.file.clone(),
        }
    };
    let data = answers.data.as_ref().map(facts).transpose()?;
    let text = draft(answers.show, data.as_ref(), answers.seeds);
    let Some(file) = answers.file.filter(|file| file != Path::new("-")) else {
        return output::bytes(text.as_bytes());
    };
    write(&file, &text)?;
    let with = answers
        .data
        .map(|(name, folder)| typed(&format!("--data {name}="), &folder));
    let with = with.map_or_else(String::new, |with| format!(" {with}"));
    let file = typed("", &file);
    say(&format!(
        "wrote {file}; what it means, a rehearsal, the run:\n  gcl-sweep plan {file}{with}\n  gcl-sweep rehearse {file}\n  gcl-sweep run {file}{with}"
    ));
    Ok(())
}

/// A path as a shell takes it.
fn typed(before: &str, path: &Path) -> String {
    format!(
        "{before}{}",
        reports::shell_word(&path.display().to_string())
    )
}

struct Answers {
    show: Show,
    data: Option<(String, PathBuf)>,
    seeds: Option<u32>,
    file: Option<PathBuf>,
}

fn show(word: Option<&str>) -> Show {
    word.and_then(Show::of_word).unwrap_or(Show::First)
}

/// Asks; an empty line is the answer in brackets.
fn ask(arguments: &New, answers: &mut impl BufRead) -> Result<Answers, CommandError> {
    let mut line = |question: &str| -> Result<String, CommandError> {
        say(question);
        let mut line = String::new();
        answers
            .read_line(&mut line)
            .map_err(|error| CommandError::other(&error))?;
        Ok(line.trim().to_owned())
    };
    let shown = loop {
        let word = line(&format!(
            "What shall it show? {} [{}]",
            Show::WORDS.join(", "),
            Show::First.word()
        ))?;
        match (word.is_empty(), Show::of_word(&word)) {
            (true, _) => break Show::First,
            (_, Some(found)) => break found,
            _ => say(&format!("there is no `{word}`")),
        }
    };
    let folder = line("The folder of your data set [none: the sweep generates its data]")?;
    let data = (!folder.is_empty()).then(|| {
        let folder = PathBuf::from(folder);
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        (name.unwrap_or_else(|| "data".to_owned()), folder)
    });
    let seeds = loop {
        let number = line("How many seeds? [as many as the paper's comparison needs]")?;
        match number.parse() {
            Ok(number @ 1..=10_000) => break Some(number),
            _ if number.is_empty() => break None,
            _ => say(&format!("`{number}` is no number of seeds, 1 to 10000")),
        }
    };
    let file = if let Some(file) = &arguments.file {
        file.clone()
    } else {
        let usual = format!("{}.toml", shown.word());
        let name = line(&format!("Which file? [{usual}]"))?;
        PathBuf::from(if name.is_empty() { usual } else { name })
    };
    Ok(Answers {
        show: shown,
        data,
        seeds,
        file: Some(file),
    })
}

/// What of a data set decides settings.
fn facts((name, folder): &(String, PathBuf)) -> Result<DraftData, CommandError> {
    let dataset = datasets::open(folder).map_err(|error| CommandError::Input(error.to_string()))?;
    Ok(DraftData {
        name: name.clone(),
        dimension: dataset.metadata.feature_dim,
        segments: dataset.train.segments(),
    })
}

/// Writes a file that is not there yet.
fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    use std::io::Write;
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::Usage(format!(
            "{} is there already, and stays as it is: name another file",
            file.display()
        )),
        _ => CommandError::io("write", file, &error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(lines: &str) -> Answers {
        let arguments = New {
            file: None,
            show: None,
            data: None,
            seeds: None,
        };
        ask(&arguments, &mut lines.as_bytes()).unwrap()
    }

    #[test]
    fn an_empty_line_is_the_answer_in_brackets() {
        let nothing = answered("\n\n\n\n");
        assert_eq!(nothing.show, Show::First);
        assert_eq!((nothing.data, nothing.seeds), (None, None));
        assert_eq!(nothing.file, Some("first.toml".into()));
        // So is the end of the input.
        assert_eq!(answered("").show, Show::First);
    }

    #[test]
    fn a_wrong_answer_is_asked_again() {
        let found = answered("fig99\nfig5\n/data/my-set\nmany\n20\nmine.toml\n");
        assert_eq!(found.show, Show::Fig5);
        assert_eq!(found.data, Some(("my-set".into(), "/data/my-set".into())));
        assert_eq!(found.seeds, Some(20));
        assert_eq!(found.file, Some("mine.toml".into()));
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.toml");
        write(&file, "one").unwrap();
        assert!(write(&file, "two").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one");
    }
}
