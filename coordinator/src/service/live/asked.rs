//! What stands behind the question mark, or in a form.

use live::{CurvesAsked, Measure};
use proto::nouns::{Refusal, Timestamp};
use sweeps::Phase;

/// Words that are read; more are no request of ours.
const WORDS: usize = 16;
/// Groups that are read.
const GROUPS: usize = 64;

/// What is asked, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    pub(super) fn of(query: Option<&str>) -> Self {
        Self::of_form(query.unwrap_or("").as_bytes())
    }

    pub(super) fn of_form(form: &[u8]) -> Self {
        let words = form_urlencoded::parse(form).into_owned();
        Self(words.take(WORDS).collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut words = self.0.iter();
        let (_, value) = words.find(|(own, value)| own == name && !value.is_empty())?;
        Some(value)
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Which curves.
    ///
    /// # Errors
    /// A word that is none.
    pub(super) fn curves(&self) -> Result<CurvesAsked, Refusal> {
        let unknown = |what: &str| Refusal::Invalid(format!("there is no such {what}"));
        let measure = self.text("measure").unwrap_or("auc");
        let phase = self.text("phase").unwrap_or(Phase::Train.name());
        let groups = self.text("groups").unwrap_or("").split(',');
        Ok(CurvesAsked {
            groups: groups
                .filter(|group| !group.is_empty())
                .take(GROUPS)
                .map(|group| group.parse().map_err(|_| unknown("group")))
                .collect::<Result<_, _>>()?,
            measure: Measure::named(measure).ok_or_else(|| unknown("measure"))?,
            phase: phase_named(phase).ok_or_else(|| unknown("phase"))?,
            seeds: self.text("seeds") == Some("1"),
            until: self.number("until").map(Timestamp),
        })
    }
}

/// The phase of that name.
fn phase_named(name: &str) -> Option<Phase> {
    [
        Phase::PretrainGenerator,
        Phase::PretrainDiscriminator,
        Phase::Train,
    ]
    .into_iter()
    .find(|phase| phase.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_which_curves() {
        let asked = Asked::of(Some("sweep=a%20b&groups=0,3&measure=loss_d&seeds=1"));
        assert_eq!(asked.text("sweep"), Some("a b"));
        let curves = asked.curves().unwrap();
        assert_eq!(curves.groups, [0, 3]);
        assert_eq!(
            (curves.measure, curves.phase),
            (Measure::Number(2), Phase::Train)
        );
        for wrong in ["groups=x", "measure=x", "phase=x", "groups=-1"] {
            assert!(Asked::of(Some(wrong)).curves().is_err(), "{wrong}");
        }
        assert_eq!(Asked::of(None).curves().unwrap().groups, [] as [usize; 0]);
    }
}
