//! The table of all parameters of a job: what `gcl-sweep params` prints, what a sweep file may say.
//!
//! A new parameter is a new entry in the file of its group and a field of [`crate::Training`]. Where its default keeps the bits of older runs,
//! add its name to [`ADDED_LATER`], so that their ids stay; otherwise raise [`crate::TRAINER_REVISION`].

mod baselines;
mod condition;
mod controls;
mod cooperation;
mod distil;
mod networks;
mod outcome;
mod supervision;
pub(crate) mod synthetic;

use crate::parameter::Parameter;

/// Parameters that came after revision 1 of the encoding: at their default they are left out of a job's id.
pub const ADDED_LATER: &[&str] = &[
    "artifacts.data_card",
    "artifacts.embedding",
    "artifacts.epoch_scores",
    "matmul_precision",
];

pub(crate) use condition::{can_fuse, draws_nothing};
pub use synthetic::{SETTINGS, find_setting};

/// The groups, in the order in which `gcl-sweep params` shows them.
const GROUPS: [&[Parameter]; 7] = [
    networks::PARAMETERS,
    cooperation::PARAMETERS,
    supervision::PARAMETERS,
    baselines::PARAMETERS,
    distil::PARAMETERS,
    controls::PARAMETERS,
    outcome::PARAMETERS,
];

const COUNT: usize = {
    let (mut group, mut count) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

static ALL: [Parameter; COUNT] = {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut group, mut at) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            all[at] = GROUPS[group][index];
            index += 1;
            at += 1;
        }
        group += 1;
    }
    all
};

/// All parameters, in the order in which `gcl-sweep params` shows them.
pub static PARAMETERS: &[Parameter] = &ALL;

/// The parameter of that dotted name.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The parameter or the setting of generated data of that dotted name: what a column of a table can be.
pub fn find_column(name: &str) -> Option<&'static Parameter> {
    find(name).or_else(|| find_setting(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Digest, TRAINER_REVISION};

    /// A default that changes gives the same id another meaning. If this fails because of that, raise
    /// `TRAINER_REVISION`; if it fails because of a new parameter, see [`ADDED_LATER`]. Then pin the new digest.
    #[test]
    fn the_defaults_of_this_revision_are_pinned() {
        let mut table = String::new();
        for parameter in PARAMETERS {
            let default = (parameter.default)();
            table.push_str(&format!("{}={default:?};", parameter.name));
        }
        assert_eq!(
            (
                TRAINER_REVISION,
                Digest::of(table.as_bytes()).short().as_str()
            ),
            (2, "e1dfcf7c1213")
        );
    }

    #[test]
    fn every_default_is_a_value_that_the_check_accepts() {
        for parameter in PARAMETERS.iter().chain(SETTINGS) {
            if let Some(value) = (parameter.default)() {
                assert_eq!(
                    parameter.check(&value).as_ref(),
                    Ok(&value),
                    "{}",
                    parameter.name
                );
            }
            assert!(
                parameter.doc.ends_with('.') && !parameter.section.is_empty(),
                "{}",
                parameter.name
            );
        }
    }
}
