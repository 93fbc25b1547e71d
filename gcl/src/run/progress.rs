//! What production hangs on the training loop: the stop flag, sums per epoch, scores on the test split, the curve,
//! warnings and the checkpoint. Nothing of it flows back into training.

use sweeps::{EpochPoint, Phase};

use crate::backend::networks::Networks;
use crate::backend::{Backend, Report, Split};
use crate::data::prepared::Prepared;
use crate::distil::fused::Fusion;
use crate::error::TrainError;
use crate::method::random_streams::RandomStreams;
use crate::method::schedule::{Hooks, PhasePlan, Plan, Position};
use crate::method::step::{Kind, diverged};
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::request::{Observer, StopFlag};
use crate::run::warnings::{Code, FEW_STEPS, LOCKED, Warnings};

/// Rows that are scored at once, unless the batch is larger.
pub(crate) const SCORE_ROWS: usize = 2048;

pub(crate) struct Progress<'a> {
    prepared: &'a Prepared,
    stop: &'a StopFlag,
    observer: &'a mut dyn Observer,
    /// Of the last finished epoch.
    checkpoint: Checkpoint,
    sums: Sums,
    scores: Scores,
    kept: Kept,
    /// Where D's score is fused with an error: that takes the place of G's score.
    fusion: Option<Fusion>,
}

/// Scores of the test segments by the networks as they are, `None` where they changed since.
#[derive(Default)]
pub(crate) struct Scores {
    pub(crate) g: Option<Vec<f32>>,
    pub(crate) d: Option<Vec<f32>>,
}

/// Sums over the steps of an epoch.
#[derive(Default)]
struct Sums {
    loss_d: Mean,
    loss_g: Mean,
    positive_g: Mean,
    positive_d: Mean,
    agreement_gd: Mean,
    agreement_truth: Mean,
    degenerate: bool,
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, sum: f64, count: usize) {
        self.sum += sum;
        self.count += count as u64;
    }
    fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        prepared: &'a Prepared,
        stop: &'a StopFlag,
        observer: &'a mut dyn Observer,
        checkpoint: Checkpoint,
        kept: Kept,
    ) -> Self {
        Self {
            prepared,
            stop,
            observer,
            checkpoint,
            sums: Sums::default(),
            scores: Scores::default(),
            kept,
            fusion: None,
        }
    }

    /// With D's score fused with an error.
    pub(crate) fn with_fusion(self, fusion: Option<Fusion>) -> Self {
        Self { fusion, ..self }
    }

    /// Notes what can be said before the first step.
    pub(crate) fn warn_of_few_steps(&mut self, plan: &Plan<'_>) {
        for phase in &plan.phases {
            let (rows, batch) = (phase.rows.len(), plan.batch(phase));
            say_of_few_steps(
                &mut self.checkpoint.header.warnings,
                phase.phase,
                rows,
                batch,
            );
        }
    }

    /// Notes that the difference filter keeps next to nothing or nearly all.
    pub(crate) fn warn_of_filter(&mut self, share: f64, threshold: f64) {
        self.checkpoint
            .header
            .warnings
            .say_of_filter(share, threshold);
    }

    /// The last checkpoint and the final scores; they are made here where the last epoch was not run by this process.
    pub(crate) fn finish<B: Backend>(
        mut self,
        networks: &mut Networks<B>,
    ) -> Result<(Checkpoint, Scores, Kept), TrainError> {
        let at = self.checkpoint.header.finished;
        self.score(networks, true, at)?;
        Ok((self.checkpoint, self.scores, self.kept))
    }

    /// The last checkpoint, of a part of a run that scores nothing.
    pub(crate) fn into_checkpoint(self) -> Checkpoint {
        self.checkpoint
    }

    /// Fills the scores that are missing.
    fn score<B: Backend>(
        &mut self,
        networks: &mut Networks<B>,
        with_d: bool,
        at: (Phase, u32),
    ) -> Result<(), TrainError> {
        let with_d = with_d && networks.has_discriminator();
        let want_g = networks.has_generator() && self.scores.g.is_none();
        let want_d = with_d && self.scores.d.is_none();
        if with_d
            && self.scores.g.is_none()
            && let Some(fusion) = &self.fusion
        {
            let [train, test] = [
                logits(networks, Split::Train, self.prepared.train.rows())?,
                logits(networks, Split::Test, self.prepared.test.rows())?,
            ];
            let fused = mean_over_crops(&fusion.scores(&train, &test), self.prepared.crops);
            if !fused.iter().all(|score| score.is_finite()) {
                return Err(diverged("a fused score", at));
            }
            self.scores.g = Some(fused);
        }
        if !want_g && !want_d {
            return Ok(());
        }
        let rows: Vec<u32> = (0..self.prepared.test.rows() as u32).collect();
        let (mut all_g, mut all_d, mut some) = (Vec::new(), Vec::new(), Vec::new());
        for rows in rows.chunks(networks.capacity()) {
            let batch = networks.load(Split::Test, rows)?;
            let mut reconstruction = None;
            if want_g {
                let made = networks.reconstruct(&batch)?;
                let errors = networks.reconstruction_errors(&batch, &made)?;
                networks.read_scores(errors, &mut some)?;
                all_g.extend_from_slice(&some);
                reconstruction = Some(made);
            }
            if want_d {
                let probabilities = networks.probabilities(&batch)?;
                networks.read_scores(probabilities, &mut some)?;
                all_d.extend_from_slice(&some);
            }
            networks.put_back(batch, reconstruction);
        }
        for (scores, wanted, what, place) in [
            (all_g, want_g, "a score of G", &mut self.scores.g),
            (all_d, want_d, "a score of D", &mut self.scores.d),
        ] {
            if wanted {
                let scores = mean_over_crops(&scores, self.prepared.crops);
                if !scores.iter().all(|score| score.is_finite()) {
                    return Err(diverged(what, at));
                }
                *place = Some(scores);
            }
        }
        Ok(())
    }

    fn watch(&mut self, phase: Phase, epoch: u32) {
        let one_class =
            |mean: &Mean| matches!(mean.get(), Some(share) if share == 0.0 || share == 1.0);
        let one_class = self.sums.degenerate
            || one_class(&self.sums.positive_g)
            || one_class(&self.sums.positive_d);
        let locked = self
            .sums
            .agreement_gd
            .get()
            .is_some_and(|share| share > LOCKED);
        let constant = self.scores.d.as_deref().is_some_and(all_but_equal);
        let warnings = &mut self.checkpoint.header.warnings;
        for (seen, code) in [
            (one_class, Code::LabelsOneClass),
            (locked, Code::LabelsLocked),
            (constant, Code::ConstantDiscriminator),
        ] {
            if seen {
                warnings.see(code, phase, epoch);
            }
        }
    }
}

impl Hooks for Progress<'_> {
    fn before_step(&mut self) -> Result<(), TrainError> {
        if self.stop.is_stopped() {
            // Nothing is asked of this after an error: the networks are moved, not copied.
            let networks = std::mem::take(&mut self.checkpoint.networks);
            return Err(TrainError::Stopped(Box::new(Checkpoint {
                header: self.checkpoint.header.clone(),
                networks,
                epoch_scores: std::mem::take(&mut self.checkpoint.epoch_scores),
                errors: std::mem::take(&mut self.checkpoint.errors),
            })));
        }
        Ok(())
    }

    fn after_step(&mut self, rows: &[u32], report: &Report) {
        self.observer.on_batch();
        let sums = &mut self.sums;
        let positive = |labels: &[f32]| labels.iter().filter(|label| **label > 0.5).count() as f64;
        if let Some(loss) = report.loss_d {
            sums.loss_d.add(loss, 1);
        }
        if let Some(loss) = report.loss_g {
            sums.loss_g.add(loss, 1);
        }
        sums.degenerate |= report.degenerate();
        let (g, d) = (&report.labels_g.values, &report.labels_d.values);
        sums.positive_g.add(positive(g), g.len());
        sums.positive_d.add(positive(d), d.len());
        if !d.is_empty() {
            let agree = g
                .iter()
                .zip(d)
                .filter(|(g, d)| (**g > 0.5) == (**d > 0.5))
                .count();
            sums.agreement_gd.add(agree as f64, d.len());
        }
        if let Some(truth) = &self.prepared.truth {
            // The labels that teach G, where there are two sets.
            let labels = if d.is_empty() { g } else { d };
            let agree = labels
                .iter()
                .zip(rows)
                .filter(|(label, row)| (**label > 0.5) == truth[**row as usize])
                .count();
            sums.agreement_truth.add(agree as f64, labels.len());
        }
    }

    fn after_epoch<B: Backend>(
        &mut self,
        phase: &PhasePlan,
        epoch: u32,
        next: Position,
        networks: &mut Networks<B>,
        draws: &dyn RandomStreams,
    ) -> Result<(), TrainError> {
        if phase.kind != Kind::FrozenGenerator {
            self.scores.g = None;
        }
        self.scores.d = None;
        let with_d = matches!(
            phase.kind,
            Kind::FrozenGenerator | Kind::Cooperative | Kind::GivenLabels
        );
        self.score(networks, with_d, (phase.phase, epoch))?;
        let auc = |scores: &Option<Vec<f32>>| {
            scores
                .as_ref()
                .and_then(|scores| metrics::auc(scores, &self.prepared.frames))
        };
        let point = EpochPoint {
            phase: phase.phase,
            epoch,
            auc_d: auc(&self.scores.d),
            auc_g: auc(&self.scores.g),
            loss_d: self.sums.loss_d.get(),
            loss_g: self.sums.loss_g.get(),
            positive_share_g: self.sums.positive_g.get(),
            positive_share_d: self.sums.positive_d.get(),
            agreement_gd: self.sums.agreement_gd.get(),
            agreement_truth: self.sums.agreement_truth.get(),
        };
        self.watch(phase.phase, epoch);
        self.sums = Sums::default();
        let header = &mut self.checkpoint.header;
        header.next = (next.phase, next.epoch);
        header.finished = (phase.phase, epoch);
        header.streams = draws.positions();
        header.curve.push(point.clone());
        networks.save(&mut self.checkpoint.networks)?;
        if phase.phase == Phase::Train {
            let (g, d) = (self.scores.g.as_deref(), self.scores.d.as_deref());
            self.kept.keep(g, d, &mut self.checkpoint.epoch_scores);
        }
        self.observer.on_epoch(&point, &self.checkpoint);
        Ok(())
    }
}

/// D's logits of all rows of a split.
fn logits<B: Backend>(
    networks: &mut Networks<B>,
    split: Split,
    rows: usize,
) -> Result<Vec<f32>, TrainError> {
    let rows: Vec<u32> = (0..rows as u32).collect();
    let (mut all, mut some) = (Vec::with_capacity(rows.len()), Vec::new());
    for rows in rows.chunks(networks.capacity()) {
        let batch = networks.load(split, rows)?;
        networks.read_logits(&batch, &mut some)?;
        networks.put_back(batch, None);
        all.extend_from_slice(&some);
    }
    Ok(all)
}

/// Notes that an epoch of that phase, over `rows` rows, makes few steps.
pub(crate) fn say_of_few_steps(warnings: &mut Warnings, phase: Phase, rows: usize, batch: usize) {
    let steps = rows / batch;
    if steps < FEW_STEPS {
        warnings.say(
            Code::FewSteps,
            &format!(
                "{phase}: {steps} step{} an epoch ({rows} rows in batches of {batch}); a smaller batch_size makes more",
                if steps == 1 { "" } else { "s" },
            ),
        );
    }
}

/// A segment's score is the mean over its crops.
pub(crate) fn mean_over_crops(scores: &[f32], crops: usize) -> Vec<f32> {
    if crops == 1 {
        return scores.to_vec();
    }
    scores
        .chunks_exact(crops)
        .map(|scores| {
            let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
            (sum / crops as f64) as f32
        })
        .collect()
}

pub(crate) fn all_but_equal(scores: &[f32]) -> bool {
    let count = scores.len() as f64;
    let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / count;
    let variance = scores
        .iter()
        .map(|score| (f64::from(*score) - mean).powi(2))
        .sum::<f64>()
        / count;
    variance.sqrt() <= 1e-6 * mean.abs()
}
