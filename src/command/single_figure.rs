//! `gcl-sweep report --figure`: one figure alone, for a slide.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;

use reports::SweepResults;
use reports::figures::Figure;

use super::source::failed;
use crate::arguments::Report;
use crate::error::CommandError;
use crate::output;

/// Writes the figure as SVG or PNG: to a file whose name ends so, into a folder (with its data beside it), or to stdout.
pub fn write(
    all: &[SweepResults],
    name: &str,
    png: bool,
    out: Option<&Path>,
) -> Result<(), CommandError> {
    let figures = reports::find_figures(all, name).map_err(|error| failed(&error))?;
    deliver(&figures, png, out)
}

/// Draws figures from their own CSV files: the bytes that the report had.
pub fn redraw(arguments: &Report) -> Result<(), CommandError> {
    let mut figures = Vec::new();
    for path in &arguments.from {
        let figure = reports::figures::redraw(path).map_err(|error| failed(&error))?;
        if let Some(wanted) = &arguments.figure
            && *wanted != figure.name
        {
            return Err(CommandError::Usage(format!(
                "`{}` draws the figure `{}`, not `{wanted}`",
                path.display(),
                figure.name
            )));
        }
        figures.push(figure);
    }
    deliver(&figures, arguments.png, arguments.out.as_deref())
}

fn deliver(figures: &[Figure], png: bool, out: Option<&Path>) -> Result<(), CommandError> {
    let extension = out.and_then(Path::extension).and_then(OsStr::to_str);
    let as_file = matches!(extension, Some("svg" | "png"));
    if png && extension == Some("svg") {
        return Err(CommandError::Usage(
            "--png and a file that ends in .svg contradict each other".into(),
        ));
    }
    let png = png || extension == Some("png");
    let ending = if png { "png" } else { "svg" };
    if (out.is_none() || as_file) && figures.len() > 1 {
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        return Err(CommandError::Usage(format!(
            "there are several figures ({}): name one, or give --out a folder",
            names.join(", ")
        )));
    }
    for figure in figures {
        let bytes = if png {
            reports::figures::png(figure).map_err(|error| failed(&error))?
        } else {
            figure.svg.clone().into_bytes()
        };
        let Some(out) = out else {
            if png && std::io::stdout().is_terminal() {
                return Err(CommandError::Usage(
                    "a PNG is not for a terminal: give --out FILE, or a pipe".into(),
                ));
            }
            return output::bytes(&bytes);
        };
        let path = if as_file {
            if let Some(folder) = out.parent().filter(|folder| *folder != Path::new("")) {
                crate::folder::make(folder)?;
            }
            out.to_owned()
        } else {
            crate::folder::make(out)?;
            let data = out.join(format!("{}.csv", figure.name));
            std::fs::write(&data, &figure.csv)
                .map_err(|error| CommandError::io("write", &data, &error))?;
            out.join(format!("{}.{ending}", figure.name))
        };
        std::fs::write(&path, &bytes).map_err(|error| CommandError::io("write", &path, &error))?;
        output::say(&format!("figure: {}", path.display()));
    }
    Ok(())
}
