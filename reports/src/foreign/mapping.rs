//! What is what in the results of another program: `auc=val/auc,variant=model,seed=seed,learning_rate=lr`.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Which names mean what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The metric that is the AUC.
    pub(super) auc: String,
    /// Whether it is in percent: `auc=val/auc%`.
    pub(super) percent: bool,
    /// What tells methods apart; `None`: a part of the path.
    pub(super) variant: Option<String>,
    /// What pairs runs of different methods.
    pub(super) seed: Seed,
    /// The run's folder below the one that is read: `{variant}-seed{seed}`.
    pub(super) path: Option<Pattern>,
    /// What the sweep is called.
    pub(super) sweep: Option<String>,
    /// Swept parameters: their name in the report, and the name in the runs.
    pub(super) swept: Vec<(String, String)>,
}

/// Where the seed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seed {
    /// Under that name, or in the path.
    Named(String),
    /// Nowhere: runs of a row are numbered in their order.
    Numbered,
}

/// Why a text is no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: `auc=METRIC,variant=PARAMETER,seed=PARAMETER` is expected, and further NAME=PARAMETER for what was swept"
)]
pub struct MappingError(String);

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut pairs: BTreeMap<&str, &str> = BTreeMap::new();
        let mut order = Vec::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (key, name) = pair
                .split_once('=')
                .map(|(key, name)| (key.trim(), name.trim()))
                .filter(|(key, name)| !key.is_empty() && !name.is_empty())
                .ok_or_else(|| MappingError(format!("`{}` is no NAME=NAME", pair.trim())))?;
            if pairs.insert(key, name).is_some() {
                return Err(MappingError(format!("`{key}` is there twice")));
            }
            order.push(key);
        }
        let auc = *pairs
            .get("auc")
            .ok_or_else(|| MappingError("which number is the AUC is not said".into()))?;
        let (auc, percent) = match auc.strip_suffix('%') {
            Some(auc) => (auc, true),
            None => (auc, false),
        };
        let path = pairs
            .get("path")
            .map(|text| Pattern::of(text))
            .transpose()?;
        let hole = |name: &str| path.as_ref().is_some_and(|path| path.has(name));
        let variant = pairs.get("variant").map(|name| (*name).to_owned());
        if variant.is_none() && !hole("variant") {
            return Err(MappingError(
                "what tells the methods apart is not said (variant)".into(),
            ));
        }
        let seed = match pairs.get("seed") {
            Some(&"#") => Seed::Numbered,
            Some(name) => Seed::Named((*name).to_owned()),
            None if hole("seed") => Seed::Named("seed".to_owned()),
            None => {
                return Err(MappingError(
                    "which number pairs the runs of different methods is not said (seed; `seed=#` numbers the runs of each row, in their order)".into(),
                ));
            }
        };
        let known = ["auc", "variant", "seed", "path", "sweep"];
        let swept = order.into_iter().filter(|key| !known.contains(key));
        let swept = swept
            .map(|key| (key.to_owned(), pairs[key].to_owned()))
            .collect();
        Ok(Self {
            auc: auc.to_owned(),
            percent,
            variant,
            seed,
            path,
            sweep: pairs.get("sweep").map(|name| (*name).to_owned()),
            swept,
        })
    }
}

/// A path with holes: `{model}/seed{seed}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The text before each hole, and the hole's name.
    holes: Vec<(String, String)>,
    /// The text after the last.
    end: String,
}

impl Pattern {
    fn of(text: &str) -> Result<Self, MappingError> {
        let wrong = |why: &str| MappingError(format!("path={text}: {why}"));
        let mut holes: Vec<(String, String)> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| wrong("a `{` has no `}`"))?;
            if name.is_empty() {
                return Err(wrong("a hole has no name"));
            }
            if before.is_empty() && !holes.is_empty() {
                return Err(wrong(
                    "nothing stands between two holes, so nobody knows where one ends",
                ));
            }
            if holes.iter().any(|(_, other)| other == name) {
                return Err(wrong("a hole is there twice"));
            }
            holes.push((before.to_owned(), name.to_owned()));
            rest = after;
        }
        if holes.is_empty() {
            return Err(wrong("there is no hole such as {seed} in it"));
        }
        Ok(Self {
            holes,
            end: rest.to_owned(),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.holes.iter().any(|(_, hole)| hole == name)
    }

    /// What stands in the holes of this path; `None` where it is another. Where there are several ways, an earlier hole takes as much as it
    /// can: `{variant}-{seed}` of `w-o-NL-3`.
    pub(super) fn read(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        let rest = path.strip_prefix(self.holes.first()?.0.as_str())?;
        self.fit(0, rest, &mut found).then_some(found)
    }

    /// Whether the holes from this one on, and what stands between and after them, make the text.
    fn fit(&self, hole: usize, text: &str, found: &mut BTreeMap<String, String>) -> bool {
        let Some((_, name)) = self.holes.get(hole) else {
            return text.is_empty();
        };
        let next = self.holes.get(hole + 1).map(|(before, _)| before.as_str());
        let after = next.unwrap_or(&self.end);
        let ends = text.rmatch_indices(after).map(|(at, _)| at);
        for at in ends.filter(|at| *at > 0) {
            let rest = &text[at + after.len()..];
            if self.fit(hole + 1, rest, found) {
                found.insert(name.clone(), text[..at].to_owned());
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_says_all_that_is_needed() {
        let mapping: Mapping = "auc=val/auc, variant=model,seed=seed,learning_rate=lr"
            .parse()
            .unwrap();
        assert_eq!((mapping.auc.as_str(), mapping.percent), ("val/auc", false));
        assert_eq!(mapping.variant.as_deref(), Some("model"));
        assert_eq!(
            mapping.swept,
            [("learning_rate".to_owned(), "lr".to_owned())]
        );
        let percent: Mapping = "auc=AUC (%)%,variant=m,seed=#".parse().unwrap();
        assert_eq!((percent.auc.as_str(), percent.percent), ("AUC (%)", true));
        assert_eq!(percent.seed, Seed::Numbered);
        for (text, why) in [
            ("variant=a,seed=b", "AUC is not said"),
            ("auc=a,seed=b", "methods apart"),
            ("auc=a,variant=b", "seed=#"),
            ("auc=a,auc=b", "twice"),
            ("auc", "no NAME=NAME"),
            ("auc=a,path=x", "no hole"),
            ("auc=a,path={variant}{seed}", "nobody knows"),
        ] {
            let error = text.parse::<Mapping>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_path_is_read_by_its_holes() {
        let read = |pattern: &str, path: &str| {
            let found = Pattern::of(pattern).unwrap().read(path)?;
            Some(
                found
                    .into_iter()
                    .map(|(name, text)| format!("{name}={text}"))
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        let found = Some("seed=3 variant=GCL".to_owned());
        assert_eq!(read("{variant}-seed{seed}", "GCL-seed3"), found);
        assert_eq!(read("runs/{variant}/{seed}/x", "runs/GCL/3/x"), found);
        assert_eq!(
            read("{variant}-{seed}", "w-o-NL-3").as_deref(),
            Some("seed=3 variant=w-o-NL")
        );
        assert_eq!(read("{variant}-seed{seed}", "GCL"), None);
        assert_eq!(read("{variant}-seed{seed}", "-seed3"), None);
    }
}
