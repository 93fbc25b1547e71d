//! The first answers of a page: who is ahead, by how much and in how many seeds; which orderings of the paper hold.

use super::Section;

/// The answers, a sentence each.
pub(super) fn sentences(_section: &Section<'_>) -> Vec<String> {
    Vec::new()
}
