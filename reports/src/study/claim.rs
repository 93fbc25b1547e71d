//! What the paper claims, as orderings that runs can hold or break.

/// Which score of a run is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Score {
    /// The one that the method is judged by: D's where there is a D.
    Reported,
    /// D's probability.
    Discriminator,
    /// G's reconstruction error.
    Generator,
}

/// What is said of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The left AUC is above the right one.
    Above,
    /// The two AUCs are the same, to a point.
    Same,
    /// The left AUC varies less over seeds.
    Steadier,
}

/// One claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// Variant and score of the left side.
    pub left: (&'static str, Score),
    /// What it is said to be.
    pub relation: Relation,
    /// Variant and score of the right side.
    pub right: (&'static str, Score),
    /// Where the paper says so.
    pub source: &'static str,
    /// The paper's difference in points, where it prints one.
    pub published: Option<f64>,
}

impl Claim {
    /// The claim in words: `GCL_B > AE_AllData`.
    pub(super) fn words(&self) -> String {
        let side = |(variant, score): (&str, Score)| match score {
            Score::Reported => variant.to_owned(),
            Score::Discriminator => format!("D of {variant}"),
            Score::Generator => format!("G of {variant}"),
        };
        let (left, right) = (side(self.left), side(self.right));
        match self.relation {
            Relation::Above => format!("{left} > {right}"),
            Relation::Same => format!("{left} ≈ {right}"),
            Relation::Steadier => format!("{left} varies less than {right}"),
        }
    }
}

const fn above(
    left: &'static str,
    right: &'static str,
    source: &'static str,
    published: Option<f64>,
) -> Claim {
    Claim {
        left: (left, Score::Reported),
        relation: Relation::Above,
        right: (right, Score::Reported),
        source,
        published,
    }
}

const fn scored(
    left: &'static str,
    right: &'static str,
    left_score: Score,
    right_score: Score,
    source: &'static str,
) -> Claim {
    Claim {
        left: (left, left_score),
        relation: Relation::Above,
        right: (right, right_score),
        source,
        published: None,
    }
}

/// Every claim, in the paper's order. The numbers are differences of what the paper prints for UCF-Crime.
pub(super) const CLAIMS: &[Claim] = &[
    above("GCL_B", "AE_AllData", "Table 1, 2", Some(11.85)),
    above("AE_OCC", "AE_AllData", "Table 2", Some(9.44)),
    above("AE_TD", "AE_AllData", "Table 2", Some(7.52)),
    above("GCL_w/oNL", "AE_AllData", "Table 2", Some(7.91)),
    above("GCL_B", "GCL_w/oNL", "Table 2", Some(3.94)),
    above("GCL_PT", "GCL_B", "Table 1, 2", Some(2.87)),
    above("GCL_OCC", "GCL_PT", "Table 2", Some(3.16)),
    above("GCL_WS 100%", "GCL_PT", "Table 1", Some(8.80)),
    above("GCL_PT", "G_own_labels", "§4.2", Some(8.76)),
    scored(
        "GCL_B",
        "GCL_B",
        Score::Discriminator,
        Score::Generator,
        "Fig. 4",
    ),
    above("GCL_B", "GCL_B replace", "Fig. 5", None),
    above("GCL_B", "GCL_B gaussian 1.5", "Fig. 5", None),
    above("GCL_B", "GCL_B gaussian 6", "Fig. 5", None),
    above("GCL_B gaussian 6", "GCL_w/oNL", "Fig. 5", None),
    Claim {
        left: ("GCL_B gaussian 1.5", Score::Reported),
        relation: Relation::Same,
        right: ("GCL_w/oNL", Score::Reported),
        source: "Fig. 5",
        published: None,
    },
    scored(
        "GCL_WS 33%",
        "GCL_PT",
        Score::Discriminator,
        Score::Discriminator,
        "Fig. 9",
    ),
    scored(
        "GCL_WS 66%",
        "GCL_WS 33%",
        Score::Discriminator,
        Score::Discriminator,
        "Fig. 9",
    ),
    scored(
        "GCL_WS 100%",
        "GCL_WS 66%",
        Score::Discriminator,
        Score::Discriminator,
        "Fig. 9",
    ),
    scored(
        "GCL_WS 100%",
        "GCL_PT",
        Score::Generator,
        Score::Generator,
        "Fig. 9",
    ),
    Claim {
        left: ("GCL_PT", Score::Reported),
        relation: Relation::Steadier,
        right: ("GCL_B", Score::Reported),
        source: "Fig. 10",
        published: None,
    },
];
