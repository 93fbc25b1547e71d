//! Parameters that are each valid and cannot stand together: what one check of one value does not see.

use crate::cell::ScoreBy;
use crate::parameters::Parameters;
use crate::registry::can_fuse;
use crate::training::choices::Method;
use crate::training::distil::{LabelMaker, LabelModel};
use crate::value::Value;

/// Points of a curve that a record may hold on the wire.
const CURVE_POINTS: i64 = 100_000;

/// What cannot be trained, or not be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// The parameter to blame.
    pub(crate) name: &'static str,
    pub(crate) message: String,
    pub(crate) help: &'static str,
    /// Whether `[job]` may set the parameter for the variants that it means something to.
    pub(crate) allowed_in_job: bool,
}

/// What is wrong with these parameters, which are given or defaults.
pub(crate) fn contradictions(all: &Parameters) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let method: Option<Method> = all.choice("method");
    let integer = |name: &str| all.get(name).and_then(Value::as_integer).unwrap_or(0);
    if method == Some(Method::Distil) {
        let maker: Option<LabelMaker> = all.choice("labels.maker");
        if maker == Some(LabelMaker::Lanp) && !all.contains("labels.share") {
            found.push(Contradiction {
                name: "labels.maker",
                message: "`labels.maker` = lanp needs `labels.share`".to_owned(),
                help: "the share of the training videos that it takes for anomalous, above 0 up to 1; its authors take the true one, which an unsupervised method does not know",
                allowed_in_job: false,
            });
        }
        let folds = integer("labels.folds");
        if maker == Some(LabelMaker::Reconstruction) && folds == 1 {
            found.push(Contradiction {
                name: "labels.folds",
                message: "`labels.folds` = 1 leaves a model nothing to be fitted on".to_owned(),
                help: "0 labels the rows that the model was fitted on; 2 or more cross-fit",
                allowed_in_job: false,
            });
        }
        let autoencoders = match (maker, all.choice("labels.model")) {
            (Some(LabelMaker::Reconstruction), Some(LabelModel::Autoencoder)) => folds + 1,
            _ => 0,
        };
        let points = (autoencoders + 1) * integer("epochs");
        if points > CURVE_POINTS {
            found.push(Contradiction {
                name: "labels.folds",
                message: format!(
                    "{autoencoders} autoencoders and D make {points} epochs; a record holds {CURVE_POINTS}"
                ),
                help: "fewer `epochs`, or fewer `labels.folds`",
                allowed_in_job: false,
            });
        }
    }
    if all.choice("score_by") == Some(ScoreBy::Fused) && !can_fuse(all) {
        found.push(Contradiction {
            name: "score_by",
            message: "`score_by` = fused has no error to be fused with".to_owned(),
            help: "it needs: method = distil, labels.maker = reconstruction",
            allowed_in_job: true,
        });
    }
    found
}
