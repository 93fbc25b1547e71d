//! The axis of a numeric parameter: linear or logarithmic as its values ask, with ticks at the values themselves where they are few.

use super::axis::{Axis, range};
use super::panel::{Panel, SMALL, number_ticks};
use super::text::width;

/// A pair of axes: these values of a parameter between two pixels, and `y`; `None` of nothing finite.
pub(super) fn over_parameter(values: Vec<f64>, (start, end): (f64, f64), y: Axis) -> Option<Panel> {
    let (x, x_ticks) = parameter_axis(values, start, end)?;
    Some(Panel {
        x_ticks,
        y_ticks: y.ticks(7),
        x,
        y,
        label_x: true,
        label_y: true,
    })
}

/// The axis of these values between two pixels, and its ticks; `None` of nothing finite.
fn parameter_axis(values: Vec<f64>, start: f64, end: f64) -> Option<(Axis, Vec<(f64, String)>)> {
    let logarithmic = is_logarithmic(&mut values.clone());
    let (low, high) = if logarithmic {
        let places = values.iter().map(|value| libm::log10(*value));
        let (low, high) = range(places, 0.1)?;
        (libm::pow(10.0, low), libm::pow(10.0, high))
    } else {
        range(values.iter().copied(), 1e-9)?
    };
    let axis = Axis {
        logarithmic,
        ..Axis::linear(low, high, start, end)
    };
    // A few values are their own ticks: supervision has 0, 33, 66 and 100.
    let ticks = ticks(&axis, values);
    Some((axis, ticks))
}

/// Whether the values ask for a logarithmic axis: positive, over most of a decade, and more even in their ratios than in
/// their differences.
fn is_logarithmic(values: &mut Vec<f64>) -> bool {
    values.sort_by(f64::total_cmp);
    values.dedup();
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return false;
    };
    if *first <= 0.0 || values.len() < 3 || last / first < 8.0 {
        return false;
    }
    let evenness = |place: fn(f64) -> f64| {
        let gaps = || {
            values
                .windows(2)
                .map(|pair| place(pair[1]) - place(pair[0]))
        };
        gaps().fold(f64::INFINITY, f64::min) / gaps().fold(0.0, f64::max)
    };
    evenness(libm::log10) > 2.0 * evenness(|value| value)
}

/// Ticks at the values themselves where they are few, without those whose labels would touch the one before.
fn ticks(axis: &Axis, mut values: Vec<f64>) -> Vec<(f64, String)> {
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() > 8 {
        return number_ticks(axis, 7);
    }
    let mut free = f64::NEG_INFINITY;
    let mut ticks = Vec::new();
    for value in values {
        let label = sweeps::Value::Float(value).to_string();
        let half = width(&label, SMALL, false) / 2.0;
        let at = axis.place(value);
        if at - half >= free {
            free = at + half + 6.0;
            ticks.push((value, label));
        }
    }
    ticks
}

/// What stands below the axis: the parameter with its unit.
pub(super) fn label(parameter: &str) -> String {
    let unit = sweeps::registry::find_column(parameter).map_or("", |parameter| parameter.unit);
    if unit.is_empty() {
        parameter.to_owned()
    } else {
        format!("{parameter} ({unit})")
    }
}
