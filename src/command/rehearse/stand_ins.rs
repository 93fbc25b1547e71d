//! The stand-ins of a sweep's data sets, and what is known of the data that they stand for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datasets::Dataset;
use datasets::stand_in::{Shape, published, stand_in};
use proto::error_chain;
use sweeps::DatasetSource;

use crate::command::folder_name;
use crate::command::sweep_file::SweepFile;
use crate::data_folders::Folders;
use crate::error::CommandError;

/// Where the shape of a stand-in is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A folder that was given.
    Folder,
    /// The numbers of a benchmark that ship.
    Published(&'static str),
    /// Nothing is known of such a data set.
    Unknown,
    /// A synthetic data set, which workers make themselves.
    Synthetic,
}

/// A data set of the sweep.
pub struct StandIn {
    /// Its name in the sweep.
    pub name: String,
    /// Where the shape is from.
    pub origin: Origin,
    /// The shape of the real data.
    pub shape: Shape,
    /// Width of the real features.
    pub dimension: usize,
    /// Whether the width is a guess.
    pub dimension_is_assumed: bool,
    /// Where the stand-in lies; none for synthetic data.
    folder: Option<PathBuf>,
}

/// Those of a sweep, by what its jobs name.
pub struct StandIns(BTreeMap<DatasetSource, StandIn>);

impl StandIns {
    /// Makes the stand-ins of the data sets that `file` names, in a folder of `out`. `real` are those of which the folder
    /// is known.
    pub fn make(
        file: &SweepFile,
        real: &BTreeMap<String, Dataset>,
        out: &Path,
    ) -> Result<Self, CommandError> {
        let parent = out.join("stand-ins");
        let mut all = BTreeMap::new();
        for source in &file.spec.datasets {
            let made = match source {
                DatasetSource::Synthetic(synthetic) => StandIn {
                    name: source.to_string(),
                    origin: Origin::Synthetic,
                    shape: Shape::synthetic(Some(synthetic)).map_err(|error| input(&error))?,
                    dimension: synthetic.dimension as usize,
                    dimension_is_assumed: false,
                    folder: None,
                },
                DatasetSource::Named(name) => named(name, real.get(name), &parent)?,
                DatasetSource::Video(_) => continue,
            };
            all.insert(source.clone(), made);
        }
        Ok(Self(all))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &StandIn> {
        self.0.values()
    }

    /// That of a job's data.
    pub fn of(&self, source: &DatasetSource) -> Option<&StandIn> {
        self.0.get(source)
    }

    /// The folders of the named ones, for the workers.
    pub fn folders(&self) -> Folders {
        Folders(
            self.all()
                .filter_map(|stand_in| Some((stand_in.name.clone(), stand_in.folder.clone()?)))
                .collect(),
        )
    }

    /// Opens the named ones: what the sweep is submitted with.
    pub fn open(&self) -> Result<BTreeMap<String, Dataset>, CommandError> {
        let mut opened = BTreeMap::new();
        for (name, folder) in self.folders().0 {
            let dataset = datasets::open(&folder).map_err(|error| input(&error))?;
            opened.insert(name, dataset);
        }
        Ok(opened)
    }
}

fn named(name: &str, real: Option<&Dataset>, parent: &Path) -> Result<StandIn, CommandError> {
    let (origin, shape, dimension) = match (real, published(name)) {
        (Some(real), _) => (
            Origin::Folder,
            Shape::of(real),
            Some(real.metadata.feature_dim),
        ),
        (None, Some(published)) => (
            Origin::Published(published.title),
            published.shape,
            usual_dimension(name),
        ),
        (None, None) => (
            Origin::Unknown,
            Shape::synthetic(None).map_err(|error| input(&error))?,
            usual_dimension(name),
        ),
    };
    let words = match origin {
        Origin::Folder => "the folder that was given".to_owned(),
        Origin::Published(title) => format!("{title} as published"),
        Origin::Unknown | Origin::Synthetic => "a small synthetic data set".to_owned(),
    };
    let made = stand_in(name, &shape, &words);
    let folder = parent.join(format!("{}-{}", folder_name(name), made.digest.short()));
    // One that is there is whole: it was renamed when it was.
    if !folder.join("dataset.toml").exists() {
        std::fs::create_dir_all(parent)
            .map_err(|error| CommandError::io("make the folder", parent, &error))?;
        datasets::write(&made, &folder).map_err(|error| CommandError::other(&error))?;
    }
    Ok(StandIn {
        name: name.to_owned(),
        origin,
        shape,
        dimension: dimension.unwrap_or(ASSUMED_DIMENSION),
        dimension_is_assumed: dimension.is_none(),
        folder: Some(folder),
    })
}

/// The paper's width.
const ASSUMED_DIMENSION: usize = 2048;

/// The width of the features that a name tells.
fn usual_dimension(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    [
        ("resnext", 2048),
        ("tracks", 147),
        ("ped2", 2048),
        ("c3d", 4096),
        ("i3d", 2048),
        ("r2plus1d", 512),
        ("clip", 512),
    ]
    .into_iter()
    .find(|(word, _)| name.contains(word))
    .map(|(_, dimension)| dimension)
}

/// What a person is told of a stand-in.
pub fn origin(stand_in: &StandIn) -> String {
    let shape = &stand_in.shape;
    let [train, test] = shape.rows();
    let counts = format!(
        "{}/{} videos, {train}/{test} rows",
        shape.train.len(),
        shape.test.len()
    );
    let dimension = stand_in.dimension;
    let width = if stand_in.dimension_is_assumed {
        format!("{dimension} dimensions assumed")
    } else {
        format!("{dimension} dimensions")
    };
    match stand_in.origin {
        Origin::Folder => format!("a stand-in with the shape of its folder ({counts}, {width})"),
        Origin::Published(title) => {
            format!("a stand-in with the shape of {title} as published ({counts}, {width})")
        }
        Origin::Unknown => format!(
            "nothing is known of it, and a small stand-in takes its place ({counts}, {width}); add --data {}=DIR to rehearse with its own shape",
            stand_in.name
        ),
        Origin::Synthetic => format!("made smaller ({counts} and {width} in the real run)"),
    }
}

fn input(error: &datasets::DatasetError) -> CommandError {
    CommandError::Input(error_chain(error))
}
