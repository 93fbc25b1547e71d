//! Figures: SVG by plotters at eight times the size, PNG from the same SVG, and the CSV that redraws each.
//!
//! House rules of every figure: Okabe–Ito colours, and a line style or marker beside every colour so that it reads in grey;
//! horizontal grid only; legends off the data or labels at the line's end; n in the picture; the same scale on panels that
//! are compared; a `<title>` and a `<desc>` for those who cannot see it.

mod against;
mod axis;
mod canvas;
mod color;
mod convergence;
mod data;
mod default;
mod dots;
mod embedding;
mod heatmap;
mod histograms;
mod labels;
mod letters;
mod overlay;
mod panel;
mod png;
mod profile;
mod redraw;
mod representative;
mod roc;
mod scores;
mod series;
mod text;
mod timeline;

pub(crate) use canvas::escape;
pub use default::figures_of;
pub use png::{PNG_DPI, png};
pub use redraw::{is_figure_data, redraw};

/// A finished figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name without ending, unique in a report: `convergence`, `fig10`.
    pub name: String,
    /// Heading.
    pub title: String,
    /// What is drawn, over how many runs, and what the marks mean.
    pub caption: String,
    /// The picture.
    pub svg: String,
    /// The numbers in the picture: [`redraw`] makes the same figure of them.
    pub csv: String,
}
