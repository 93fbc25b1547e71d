//! Figures: data, then drawing. The data of each is a structure that its CSV holds too, both ways; its SVG is drawn from the
//! structure alone, and its PNG from the SVG. So a figure that is drawn again from its CSV is the same to the byte.
//!
//! Reading order: `about`, `source` and `key` (what all figures share), `cells` and `curves` (the data of results and of
//! epochs), `canvas` (SVG), then a file a figure; `default` chooses.
//!
//! House rules of every figure: Okabe–Ito colours, and a line style or marker beside every colour so that it reads in grey;
//! horizontal grid only; legends off the data or labels at the line's end; n in the picture; the same scale on panels that
//! are compared; a `<title>` and a `<desc>` for those who cannot see it.

mod about;
mod against;
mod along;
mod axis;
mod canvas;
mod cells;
mod color;
mod convergence;
mod curves;
mod curves_csv;
mod default;
mod dots;
mod embedding;
mod gain;
mod heading;
mod heatmap;
mod histograms;
mod intervals;
mod key;
mod legend;
mod letters;
mod mark;
mod network;
mod overlay;
mod panel;
mod panels;
mod parameter_axis;
mod pen;
mod png;
mod profile;
mod redraw;
mod representative;
mod roc;
mod scores;
mod sheet;
mod source;
mod text;
mod timeline;

use network as series;

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
