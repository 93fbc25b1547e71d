//! Records to statistics to figures, tables and HTML.
//!
//! A report is made from records alone: it never trains, reads no clock and opens no connection, so the same results give
//! the same bytes. Nothing here averages silently: every mean carries its n, the n that was asked for, and what became of
//! the rest.
//!
//! Reading order: [`results`] (what comes in), [`order`], [`factor`] (what was varied), [`mod@summary`], [`pairing`] (what is
//! compared with what), the crate `statistics`, [`files`] (the CSV files),
//! [`published`] (the paper's numbers), [`figures`], `page`, [`study`] (does the paper hold?).

mod asked;
pub mod claims;
mod controls;
pub mod doubts;
mod error;
pub mod factor;
pub mod figures;
pub mod files;
pub mod foreign;
mod generated;
pub mod leaders;
pub mod merge;
pub mod order;
mod page;
pub mod pairing;
pub mod published;
mod report;
mod reported;
pub mod results;
pub mod study;
pub mod summary;
pub mod supervision;
mod versions;
pub mod video_interval;
pub mod video_scores;

pub use asked::{NotDrawn, not_drawn};
pub use error::ReportError;
pub use files::{Tables, read_csv, read_tables, write_csv};
pub use foreign::{
    Mapping, MappingError, describe_foreign, read_foreign, write_mlflow, write_wandb,
};
pub use page::{headline, shell_word};
pub use report::{find_figures, render_figures, render_page, write_report};
pub use reported::reported_metrics;
pub use results::{
    CellScores, DatasetInfo, EmbeddedSegment, LostCurve, ReportRequest, SegmentFrames, SplitCounts,
    SweepResults, VideoScores,
};
pub use summary::{Estimate, SummaryRow, summary};
pub use versions::names;
pub use video_interval::{VideoInterval, video_interval};
