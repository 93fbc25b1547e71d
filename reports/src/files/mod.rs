//! The CSV files that others rely on: `results.csv`, `epochs.csv`, `summary.csv`, `looks.csv` (docs/reports.md).
//!
//! RFC 4180, numbers in the shortest form that reads back to the same bits, lines in an order of their own so that two
//! runs compare by `diff`, and empty fields for what does not apply.

mod about;
mod cell_value;
mod csv_file;
mod json;
mod looks;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod resampled;
mod settle;
mod table;
mod warned;
mod write;

pub use about::write_about;
pub(crate) use cell_value::cell_value;
pub(crate) use csv_file::{CsvFile, Extra, Fields, columns_of};
pub use json::write_json;
pub use looks::{LOOK_COLUMNS, write_looks};
#[cfg(feature = "parquet")]
pub use parquet::write_parquet;
pub use read::{Tables, read_csv, read_tables};
pub(crate) use table::Table;
pub(crate) use write::{curve, replace_file};
pub use write::{write_csv, write_epochs, write_results, write_summary};

/// The fixed columns of `results.csv`; the swept parameters follow.
pub const RESULT_COLUMNS: [&str; 26] = [
    "sweep",
    "variant",
    "seed",
    "job_id",
    "status",
    "auc",
    "auc_d",
    "auc_g",
    "best_epoch_auc_d",
    "best_epoch_auc_g",
    "ap_d",
    "ap_g",
    "ano_auc_d",
    "ano_auc_g",
    "macro_auc_d",
    "macro_auc_g",
    "far_d",
    "far_g",
    "recall_at_fpr10_d",
    "recall_at_fpr10_g",
    "epochs",
    "duration_s",
    "device",
    "worker",
    "attempts",
    "error",
];

/// The fixed columns of `epochs.csv`; the swept parameters follow.
pub const EPOCH_COLUMNS: [&str; 14] = [
    "sweep",
    "variant",
    "seed",
    "job_id",
    "phase",
    "epoch",
    "auc_d",
    "auc_g",
    "loss_d",
    "loss_g",
    "positive_share_g",
    "positive_share_d",
    "agreement_gd",
    "agreement_truth",
];
