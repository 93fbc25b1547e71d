//! What a mark of one seed says of itself when somebody points at it.

use std::fmt::Write;

use super::canvas::escape;

/// One run behind a mark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark<'a> {
    pub(super) seed: u64,
    /// The first digits of its job's id; empty where they are not known.
    pub(super) job: &'a str,
    /// What it shows, in words: `73.21%`.
    pub(super) value: &'a str,
}

impl Mark<'_> {
    /// Ends the element that was opened in `out`: attributes for the page's script, and a title for readers without one.
    pub(super) fn write(&self, out: &mut String, element: &str) {
        let (job, value) = (escape(self.job), escape(self.value));
        let _ = write!(out, " data-seed=\"{}\"", self.seed);
        if !job.is_empty() {
            let _ = write!(out, " data-job=\"{job}\"");
        }
        let _ = write!(
            out,
            " data-value=\"{value}\"><title>seed {}{}: {value}</title></{element}>",
            self.seed,
            if job.is_empty() {
                String::new()
            } else {
                format!(", job {job}")
            }
        );
    }
}
