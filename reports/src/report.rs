//! Putting a report together: aggregate, draw, write.

use std::fs;
use std::path::Path;

use crate::error::ReportError;
use crate::figures::{Figure, figures_of, png};
use crate::files::replace_file;
use crate::page::{Section, page};
use crate::results::SweepResults;

/// Writes `index.html` and `figures/*.svg`, `.png` and `.csv` into `folder`, which is made where it does not exist. A figure
/// that another report left there and this one does not have stays; files of the same name are replaced whole.
pub fn write_report(sweeps: &[SweepResults], folder: &Path) -> Result<(), ReportError> {
    let sections = sections(sweeps)?;
    let pictures = folder.join("figures");
    fs::create_dir_all(&pictures).map_err(ReportError::write(&pictures))?;
    for figure in sections.iter().flat_map(|section| &section.figures) {
        let file = |ending: &str| pictures.join(format!("{}.{ending}", figure.name));
        replace_file(&file("svg"), figure.svg.as_bytes())?;
        replace_file(&file("csv"), figure.csv.as_bytes())?;
        replace_file(&file("png"), &png(figure)?)?;
    }
    replace_file(&folder.join("index.html"), page(&sections).as_bytes())
}

/// The page alone.
pub fn render_page(sweeps: &[SweepResults]) -> Result<String, ReportError> {
    Ok(page(&sections(sweeps)?))
}

/// The figures alone, in the order of the page.
pub fn render_figures(sweeps: &[SweepResults]) -> Result<Vec<Figure>, ReportError> {
    Ok(sections(sweeps)?
        .into_iter()
        .flat_map(|section| section.figures)
        .collect())
}

fn sections(sweeps: &[SweepResults]) -> Result<Vec<Section<'_>>, ReportError> {
    if sweeps.is_empty() {
        return Err(ReportError::Empty);
    }
    Ok(sweeps
        .iter()
        .enumerate()
        .map(|(index, results)| {
            let prefix = if sweeps.len() > 1 {
                format!("s{}-", index + 1)
            } else {
                String::new()
            };
            let mut section = Section::new(results, prefix);
            let published: Vec<Option<(f64, Option<f64>)>> = section
                .comparisons
                .iter()
                .map(|comparison| {
                    comparison
                        .filter(|comparison| comparison.comparable)
                        .map(|comparison| (comparison.published.auc, comparison.published.std))
                })
                .collect();
            section.figures = figures_of(results, &section.rows, &published, &section.prefix);
            section
        })
        .collect())
}
