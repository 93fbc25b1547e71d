//! A card for people.

use std::fmt;

use super::{Coherence, DataCard, Prevalence, Quantiles, Truth};

impl fmt::Display for DataCard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, text) in self.lines() {
            writeln!(out, "  {label:<12} {text}")?;
        }
        for warning in self.warnings() {
            writeln!(out, "  {:<12} {warning}", "warning")?;
        }
        writeln!(out, "  {:<12} {}", "expected", self.expectation())
    }
}

impl DataCard {
    /// Its numbers, each with a label, without what they mean.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![(
            "regime",
            format!(
                "training features, feature_scaling = {}",
                self.feature_scaling
            ),
        )];
        if let Some(variance) = self.variance {
            lines.push((
                "variance",
                format!(
                    "{} of it lies between videos (by chance {})",
                    percent(variance.between_videos),
                    percent(variance.by_chance)
                ),
            ));
        }
        lines.push((
            "unscaled",
            format!(
                "{} of the values are zero; {} of {} dimensions never change",
                percent(self.zeros),
                self.constant_dimensions,
                self.dimensions
            ),
        ));
        for (label, quantiles) in [("‖f‖", self.norm), ("‖Δf‖", self.change)] {
            if let Some(quantiles) = quantiles {
                lines.push((label, quantiles.to_string()));
            }
        }
        if let Some(truth) = &self.truth {
            truth.lines(&mut lines);
        }
        let sample = self.sample;
        let some = [
            ("principal components", sample.pca),
            ("neighbours", sample.knn),
        ];
        let some: Vec<String> = some
            .into_iter()
            .filter(|(_, rows)| *rows < sample.rows)
            .map(|(what, rows)| format!("{what} of {rows}"))
            .collect();
        if !some.is_empty() && self.truth.is_some() {
            let text = format!(
                "{} of {} training rows, evenly spaced",
                some.join(", "),
                sample.rows
            );
            lines.push(("sampled", text));
        }
        lines
    }
}

impl Truth {
    fn lines(&self, lines: &mut Vec<(&'static str, String)>) {
        let mut anomalous = format!("test: {}", self.test);
        if let Some(train) = self.train {
            anomalous += &format!("; training: {train}");
        }
        lines.push(("anomalous", anomalous));
        let controls: Vec<String> = self
            .controls
            .iter()
            .map(|control| {
                let [auc, within] = [control.auc, control.within_videos].map(|auc| {
                    auc.map_or_else(|| "–".to_owned(), |auc| format!("{:.1}", auc * 100.0))
                });
                format!("{} {auc} / {within}", control.control)
            })
            .collect();
        lines.push((
            "controls",
            format!("AUC % pooled / mean within videos: {}", controls.join(", ")),
        ));
        if let Some(best) = self.best_control() {
            let auc = percent(best.auc.unwrap_or_default());
            lines.push(("to be beaten", format!("{} ({auc})", best.control)));
        }
        for (label, what, found) in [
            ("events", "of the displacements of events", self.events),
            (
                "false alarms",
                "of those of the normal segments with the largest PCA residual",
                self.false_alarms,
            ),
        ] {
            let text = match found {
                Some(found) => format!("{found} {what}"),
                None => "fewer than two videos have both sides: no common direction to look for"
                    .to_owned(),
            };
            lines.push((label, text));
        }
        lines.push((
            "source",
            match &self.source {
                Some(source) => format!(
                    "AUC {:.1}% of a linear discriminant that tells normal segments of {} anomalous videos from those of {} normal ones ({} segments, {} folds \
                     of videos)",
                    source.auc * 100.0,
                    source.anomalous_videos,
                    source.normal_videos,
                    source.segments,
                    source.folds
                ),
                None => "fewer than two videos of a kind have normal segments".to_owned(),
            },
        ));
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            self.least,
            self.p5,
            self.p25,
            self.median,
            self.p75,
            self.p95,
            self.most,
        ];
        let all = all.map(|value| format!("{value:.3}"));
        write!(out, "{} (least, 5, 25, 50, 75, 95%, most)", all.join(" / "))
    }
}

impl fmt::Display for Prevalence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (share, what) in [
            (self.anomalous_frames, "frames"),
            (self.anomalous_segments, "segments"),
        ] {
            if let Some(share) = share {
                write!(out, "{} of {what}, ", percent(share))?;
            }
        }
        let anomalous = (self.anomalous_videos * self.videos as f64).round();
        write!(out, "{anomalous} of {} videos", self.videos)
    }
}

impl fmt::Display for Coherence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "mean cosine {:.2} over {} videos",
            self.mean_cosine, self.videos
        )
    }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
