//! The settings of generated data: what stands under `[dataset.synthetic]`, and what an axis may move. They are no parameters of a
//! job: a job knows its data by their source, and its id by their digest.

use crate::parameter::{Kind, Parameter, Range, Role};
use crate::parameters::Parameters;
use crate::synthetic::{Amount, CoherentEvents, Regime, Synthetic};
use crate::value::Value;

/// What their names begin with.
pub(crate) const PREFIX: &str = "dataset.synthetic.";
/// Their names that others ask for.
pub(crate) const REGIME: &str = "dataset.synthetic.regime";
pub(crate) const SEED: &str = "dataset.synthetic.seed";

const COHERENT: &str = "regime = coherent-events";

/// All settings of generated data, in the order in which `gcl-sweep params` shows them.
pub static SETTINGS: &[Parameter] = &[
    whole(
        "dataset.synthetic.videos",
        (6, 100_000),
        "videos",
        || Some(Value::Integer(Synthetic::default().videos.into())),
        "Videos altogether: two thirds train, one third tests.",
    ),
    whole(
        "dataset.synthetic.mean_length",
        (4, 10_000),
        "segments",
        || Some(Value::Integer(Synthetic::default().mean_length.into())),
        "Mean length of a video.",
    ),
    whole(
        "dataset.synthetic.dimension",
        (8, 16_384),
        "",
        || Some(Value::Integer(Synthetic::default().dimension.into())),
        "Width of a feature row.",
    ),
    whole(
        "dataset.synthetic.seed",
        (0, i64::MAX),
        "",
        || Some(Value::Integer(0)),
        "Seed of the data, not of the jobs; \"job\" under [dataset.synthetic]: each seed of the jobs has data of its own.",
    ),
    Parameter {
        name: "dataset.synthetic.regime",
        kind: Kind::Choice(&{
            let mut names = [""; Regime::ALL.len()];
            let mut at = 0;
            while at < names.len() {
                names[at] = Regime::ALL[at].0;
                at += 1;
            }
            names
        }),
        default: || Some(Value::from(Synthetic::default().regime.name())),
        doc: "The world that the data come from.",
        ..whole("", (0, 0), "", || None, "")
    },
    share(
        "dataset.synthetic.coherence",
        1.0,
        || Some(Value::Float(CoherentEvents::DEFAULT.coherence.get())),
        "Share of an event's squared length along the one direction that all events have in common.",
    ),
    share(
        "dataset.synthetic.camera_strength",
        100.0,
        || Some(Value::Float(CoherentEvents::DEFAULT.camera_strength.get())),
        "How far each video's own camera moves its features.",
    ),
    share(
        "dataset.synthetic.amplitude",
        100.0,
        || Some(Value::Float(CoherentEvents::DEFAULT.amplitude.get())),
        "How far an event moves them.",
    ),
    share(
        "dataset.synthetic.flicker",
        100.0,
        || Some(Value::Float(CoherentEvents::DEFAULT.flicker.get())),
        "How much an event's strength changes from segment to segment, as a share of it.",
    ),
    share(
        "dataset.synthetic.clutter",
        1.0,
        || Some(Value::Float(CoherentEvents::DEFAULT.clutter.get())),
        "About this share of all segments lies in ordinary bursts, each along a direction of its own.",
    ),
];

const fn whole(
    name: &'static str,
    (min, max): (i64, i64),
    unit: &'static str,
    default: fn() -> Option<Value>,
    doc: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind: Kind::Integer { min, max },
        unit,
        default,
        section: "not in the paper",
        doc,
        role: Role::Data,
        condition: "",
        applies: |_| true,
    }
}

/// A setting of the world of coherent events.
const fn share(
    name: &'static str,
    most: f64,
    default: fn() -> Option<Value>,
    doc: &'static str,
) -> Parameter {
    Parameter {
        kind: Kind::Float(Range::closed(0.0, most)),
        condition: COHERENT,
        applies: |settings| {
            settings.get(REGIME).and_then(Value::as_text)
                == Some(Regime::CoherentEvents(CoherentEvents::DEFAULT).name())
        },
        ..whole(name, (0, 0), "", default, doc)
    }
}

/// The setting of that dotted name.
pub fn find_setting(name: &str) -> Option<&'static Parameter> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// These settings over the defaults.
pub(crate) fn with_defaults(given: &Parameters) -> Parameters {
    let mut all = given.clone();
    for setting in SETTINGS {
        if !all.contains(setting.name)
            && let Some(value) = (setting.default)()
        {
            all.set_checked(setting.name, value);
        }
    }
    all
}

impl Synthetic {
    /// Of settings that were checked before, over the defaults; those that mean nothing in the regime are left out.
    pub(crate) fn of(given: &Parameters) -> Self {
        let all = with_defaults(given);
        let value = |name: &str| all.get(&format!("{PREFIX}{name}"));
        let whole = |name: &str| value(name).and_then(Value::as_integer).unwrap_or_default();
        let count = |name: &str| u32::try_from(whole(name)).unwrap_or_default();
        let word = value("regime").and_then(Value::as_text);
        let known = Regime::ALL
            .into_iter()
            .find(|(name, _)| Some(*name) == word);
        let mut regime = known.map_or(Self::default().regime, |(_, regime)| regime);
        if let Regime::CoherentEvents(events) = &mut regime {
            for (name, _) in CoherentEvents::DEFAULT.settings() {
                let number = value(name).and_then(Value::as_float);
                let amount = number.and_then(|number| Amount::try_from(number).ok());
                if let (Some(setting), Some(amount)) = (events.setting_mut(name), amount) {
                    *setting = amount;
                }
            }
        }
        Self {
            videos: count("videos"),
            mean_length: count("mean_length"),
            dimension: count("dimension"),
            seed: u64::try_from(whole("seed")).unwrap_or_default(),
            regime,
        }
    }

    /// The value of a setting by its dotted name, where the regime has it.
    pub fn setting(&self, name: &str) -> Option<Value> {
        let name = name.strip_prefix(PREFIX)?;
        let whole = |number: u64| Some(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        match name {
            "videos" => whole(self.videos.into()),
            "mean_length" => whole(self.mean_length.into()),
            "dimension" => whole(self.dimension.into()),
            "seed" => whole(self.seed),
            "regime" => Some(Value::from(self.regime.name())),
            _ => {
                let Regime::CoherentEvents(events) = &self.regime else {
                    return None;
                };
                let settings = events.settings();
                let found = settings.iter().find(|(known, _)| *known == name);
                found.map(|(_, amount)| Value::Float(amount.get()))
            }
        }
    }
}
