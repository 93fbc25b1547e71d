//! Putting a report together: aggregate, draw, write.

use std::fs;
use std::path::Path;

use crate::asked;
use crate::controls::Split;
use crate::error::ReportError;
use crate::figures::{Figure, figures_of, png};
use crate::files::replace_file;
use crate::merge::merge;
use crate::page::{Section, latex_files, page};
use crate::results::SweepResults;
use crate::versions::named;

/// Writes `index.html`, `figures/*.svg`, `.png` and `.csv`, and `latex/*` for papers into `folder`, which is made where it does not exist. A figure
/// that another report left there and this one does not have stays; files of the same name are replaced whole.
pub fn write_report(sweeps: &[SweepResults], folder: &Path) -> Result<(), ReportError> {
    let sweeps = named(sweeps);
    let split = split(&sweeps)?;
    let merged = merged(&split);
    let merged = merged.as_ref().map(Split::of);
    let (sections, together) = (sections(&split), merged.as_ref().map(together));
    let pictures = folder.join("figures");
    fs::create_dir_all(&pictures).map_err(ReportError::write(&pictures))?;
    for figure in together
        .iter()
        .chain(&sections)
        .flat_map(|section| &section.figures)
    {
        let file = |ending: &str| pictures.join(format!("{}.{ending}", figure.name));
        replace_file(&file("svg"), figure.svg.as_bytes())?;
        replace_file(&file("csv"), figure.csv.as_bytes())?;
        replace_file(&file("png"), &png(figure)?)?;
    }
    let latex = folder.join("latex");
    fs::create_dir_all(&latex).map_err(ReportError::write(&latex))?;
    for (name, text) in latex_files(&sections) {
        replace_file(&latex.join(name), text.as_bytes())?;
    }
    replace_file(
        &folder.join("index.html"),
        page(&sections, together.as_ref()).as_bytes(),
    )
}

/// The page alone.
pub fn render_page(sweeps: &[SweepResults]) -> Result<String, ReportError> {
    let sweeps = named(sweeps);
    let split = split(&sweeps)?;
    let merged = merged(&split);
    let merged = merged.as_ref().map(Split::of);
    let together = merged.as_ref().map(together);
    Ok(page(&sections(&split), together.as_ref()))
}

/// The figures alone, in the order of the page.
pub fn render_figures(sweeps: &[SweepResults]) -> Result<Vec<Figure>, ReportError> {
    let sweeps = named(sweeps);
    let split = split(&sweeps)?;
    let merged = merged(&split);
    let merged = merged.as_ref().map(Split::of);
    Ok(merged
        .as_ref()
        .map(together)
        .into_iter()
        .chain(sections(&split))
        .flat_map(|section| section.figures)
        .collect())
}

/// The figure of that name, of each sweep that has it. Reports of several sweeps call them `s1-fig10`, `s2-fig10`; either
/// name finds them. A figure of the paper is called by its number where [`ReportRequest::figures`](crate::ReportRequest)
/// asks for it.
pub fn find_figures(sweeps: &[SweepResults], name: &str) -> Result<Vec<Figure>, ReportError> {
    let (found, mut known) = split_by_name(sweeps, name)?;
    if !found.is_empty() {
        return Ok(found);
    }
    // One that no page of this sweep has unless its file asks for it, by its own name.
    let own = match name.split_once('-') {
        Some((number, own))
            if number
                .strip_prefix('s')
                .is_some_and(|number| number.parse::<u32>().is_ok()) =>
        {
            own
        }
        _ => name,
    };
    let (asked, _) = split_by_name(&asking(sweeps, &[own]), name)?;
    if !asked.is_empty() {
        return Ok(asked);
    }
    let (_, more) = split_by_name(&asking(sweeps, &asked::names()), name)?;
    for figure in more {
        if !known.iter().any(|other| other.name == figure.name) {
            known.push(figure);
        }
    }
    let known: Vec<&str> = known.iter().map(|figure| figure.name.as_str()).collect();
    Err(ReportError::UnknownFigure {
        name: name.to_owned(),
        needs: asked::needs(own).map_or_else(String::new, |needs| format!(", which needs {needs}")),
        known: known.join(", "),
    })
}

/// The sweeps with other figures asked for.
fn asking(sweeps: &[SweepResults], figures: &[&str]) -> Vec<SweepResults> {
    let figures: Vec<String> = figures.iter().map(|name| (*name).to_owned()).collect();
    let asking = |results: &SweepResults| {
        let mut results = results.clone();
        results.report.figures.clone_from(&figures);
        results
    };
    sweeps.iter().map(asking).collect()
}

/// The figures of the sweeps' page with that name, and the others.
fn split_by_name(
    sweeps: &[SweepResults],
    name: &str,
) -> Result<(Vec<Figure>, Vec<Figure>), ReportError> {
    let sweeps = named(sweeps);
    let split = split(&sweeps)?;
    let mut found = Vec::new();
    let mut others = Vec::new();
    for section in sections(&split) {
        for figure in section.figures {
            let plain = figure.name.strip_prefix(&section.prefix);
            let is_asked = |full: &str| {
                // A figure may come in parts: `fig10-2`.
                full.strip_prefix(name).is_some_and(|rest| {
                    rest.strip_prefix('-')
                        .map_or(rest.is_empty(), |part| part.parse::<u32>().is_ok())
                })
            };
            if is_asked(&figure.name) || plain.is_some_and(is_asked) {
                found.push(figure);
            } else {
                others.push(figure);
            }
        }
    }
    Ok((found, others))
}

/// Each sweep apart from its controls.
fn split(sweeps: &[SweepResults]) -> Result<Vec<Split<'_>>, ReportError> {
    if sweeps.is_empty() {
        return Err(ReportError::Empty);
    }
    Ok(sweeps.iter().map(Split::of).collect())
}

fn sections<'a>(sweeps: &'a [Split<'a>]) -> Vec<Section<'a>> {
    sweeps
        .iter()
        .enumerate()
        .map(|(index, split)| {
            let prefix = if sweeps.len() > 1 {
                format!("s{}-", index + 1)
            } else {
                String::new()
            };
            drawn(split, prefix)
        })
        .collect()
}

/// Several sweeps as one, without controls; `None` for one sweep alone.
fn merged(sweeps: &[Split<'_>]) -> Option<SweepResults> {
    let rest: Vec<&SweepResults> = sweeps.iter().map(|split| &*split.rest).collect();
    (rest.len() > 1).then(|| merge(&rest))
}

/// The section of all sweeps as one.
fn together<'a>(merged: &'a Split<'a>) -> Section<'a> {
    drawn(merged, "all-".to_owned())
}

/// A section with its figures.
fn drawn<'a>(split: &'a Split<'a>, prefix: String) -> Section<'a> {
    let mut section = Section::new(split, prefix);
    let published: Vec<Option<(f64, Option<f64>)>> = section
        .comparisons
        .iter()
        .map(|comparison| {
            comparison
                .as_ref()
                .filter(|comparison| comparison.is_judged())
                .map(|comparison| (comparison.published.auc, comparison.published.std))
        })
        .collect();
    section.figures = figures_of(section.results, &section.rows, &published, &section.prefix);
    section
}
