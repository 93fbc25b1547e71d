//! Which files belong to a video, and what else lies beside them.
//!
//! A folder of features has strangers: what macOS and file systems leave, lists, archives, files of other data sets. They are
//! passed over and counted by reason. Only a file that a listed video needs can be at fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::{hdf5, names, summary};
use crate::error::Faults;

/// Folders within folders.
const MAX_DEPTH: usize = 8;
/// Folders that are looked into: a link can lead to a whole disk.
const MAX_FOLDERS: usize = 100_000;
/// Entries that are looked at.
const MAX_ENTRIES: usize = 2_000_000;

/// Where an array lies: a file, or one of the arrays in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// The array's name within an HDF5 file.
    pub(super) member: Option<String>,
}

impl Place {
    /// A fault of the array, where the file alone is named by who says it.
    pub(super) fn fault(&self, what: &str) -> (PathBuf, String) {
        let what = match &self.member {
            Some(member) => format!("data set `{member}` {what}"),
            None => what.to_owned(),
        };
        (self.path.clone(), what)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.path.display())?;
        self.member
            .iter()
            .try_for_each(|member| write!(out, ", data set `{member}`"))
    }
}

/// The arrays of one video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Files {
    One(Place),
    /// One a crop.
    Crops(BTreeMap<u32, Place>),
    /// More than can be told apart.
    Unclear(Place, Place),
    /// One a crop, and one is missing.
    Incomplete(BTreeMap<u32, Place>, u32),
    /// What cannot be read, and why.
    Unread(Place, String),
}

impl Files {
    /// The first of them.
    fn first(&self) -> Option<&Place> {
        match self {
            Self::One(place) | Self::Unclear(place, _) | Self::Unread(place, _) => Some(place),
            Self::Crops(crops) | Self::Incomplete(crops, _) => crops.values().next(),
        }
    }

    /// The first of them, and what is wrong with it.
    pub(super) fn fault(&self, what: &str) -> (PathBuf, String) {
        self.first().map_or_else(
            || (PathBuf::new(), what.to_owned()),
            |place| place.fault(what),
        )
    }

    /// How messages call them.
    pub(super) fn shown(&self) -> String {
        self.first().map_or_else(String::new, ToString::to_string)
    }

    /// All of them.
    fn places(&self) -> Vec<&Place> {
        match self {
            Self::One(place) | Self::Unread(place, _) => vec![place],
            Self::Unclear(one, other) => vec![one, other],
            Self::Crops(crops) | Self::Incomplete(crops, _) => crops.values().collect(),
        }
    }
}

/// An array that may be of a video, and what its name says.
#[derive(Debug)]
struct Candidate {
    place: Place,
    /// How its name is numbered, and its number.
    crop: Option<(&'static str, u32)>,
    /// The number of the folder that it lies in.
    folder: Option<u32>,
    /// Why it cannot be read.
    unread: Option<String>,
}

/// All arrays of a folder by the videos that they can be of.
#[derive(Debug, Default)]
pub(super) struct Index {
    videos: BTreeMap<String, Vec<Candidate>>,
    /// Every array, and whether a video took it.
    taken: BTreeMap<Place, bool>,
    unread: BTreeMap<PathBuf, String>,
    /// Whether every name is a video's own: a number at its end is no crop's.
    whole_names: bool,
    /// What was passed over, by reason.
    passed: BTreeMap<&'static str, Vec<String>>,
}

const OTHER_KINDS: &str = "files of kinds that are not read";
const HIDDEN: &str = "hidden files and folders, and __MACOSX";
const CLOSED: &str = "folders that cannot be read";
const CIRCLES: &str = "links to folders that were looked into already";
const DEEP: &str = "folders too deep within folders, or too many";

impl Index {
    /// Looks into a folder. With `whole_names`, `00-07` is a video of that name and not a crop of `00`.
    pub(super) fn of(folder: &Path, whole_names: bool, faults: &mut Faults) -> Self {
        let mut index = Self {
            whole_names,
            ..Self::default()
        };
        let mut found = Vec::new();
        let before = faults.count();
        let mut known = BTreeSet::new();
        if let Err(error) = index.walk(folder, 0, &mut known, &mut found) {
            faults.add(folder, format_args!("cannot be read: {error}"));
        }
        for names in index.passed.values_mut() {
            names.sort();
        }
        found.sort();
        for path in found {
            index.file(folder, &path);
        }
        if index.videos.is_empty() && faults.count() == before {
            let hint = index
                .passed
                .get(OTHER_KINDS)
                .and_then(|names| names.iter().find(|name| archived(Path::new(name))))
                .map_or(String::new(), |name| {
                    format!(
                        "; {} cannot be read: save each video's array with numpy.save",
                        folder.join(name).display()
                    )
                });
            faults.add(
                folder,
                format_args!("holds no features (.npy, .h5, .mat, or C3D's .txt){hint}"),
            );
        }
        index
    }

    fn walk(
        &mut self,
        folder: &Path,
        depth: usize,
        known: &mut BTreeSet<PathBuf>,
        found: &mut Vec<PathBuf>,
    ) -> std::io::Result<()> {
        let entries = fs::read_dir(folder)?;
        // A circle of links comes back to a folder under another name.
        if let Ok(real) = fs::canonicalize(folder)
            && !known.insert(real)
        {
            self.say(CIRCLES, short(folder));
            return Ok(());
        }
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.say(CLOSED, format!("{} ({error})", folder.display()));
                    break;
                }
            };
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "__MACOSX" {
                self.say(HIDDEN, name);
            } else if path.is_dir() {
                if depth >= MAX_DEPTH || known.len() >= MAX_FOLDERS {
                    self.say(DEEP, name);
                } else if let Err(error) = self.walk(&path, depth + 1, known, found) {
                    self.say(CLOSED, format!("{name} ({error})"));
                }
            } else if matches!(
                names::extension(&path).as_str(),
                "npy" | "txt" | "h5" | "hdf5" | "mat"
            ) && found.len() < MAX_ENTRIES
                // A pipe would be waited for; a link to nothing is said where a video needs it.
                && (path.is_file() || path.is_symlink() && !path.exists())
            {
                found.push(path);
            } else {
                self.say(OTHER_KINDS, name);
            }
        }
        Ok(())
    }

    fn say(&mut self, reason: &'static str, what: String) {
        self.passed.entry(reason).or_default().push(what);
    }

    fn file(&mut self, root: &Path, path: &Path) {
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map_or(String::new(), |part| part.to_string_lossy().into_owned())
        };
        let name = part(path.file_name());
        let folder = path.parent().filter(|folder| *folder != root);
        let folder = part(folder.and_then(Path::file_name));
        let whole = |member| Place {
            path: path.to_owned(),
            member,
        };
        if path.is_symlink() && !path.exists() {
            let what = "is a link to a file that is not there";
            self.unread.insert(path.to_owned(), what.to_owned());
            self.put(&name, &folder, whole(None), Some(what));
            return;
        }
        if !hdf5::named(path) {
            self.put(&name, &folder, whole(None), None);
            return;
        }
        match hdf5::members(path) {
            // An array alone goes by its file's name, whatever it is called.
            Ok(members) if members.len() == 1 && members[0].unread.is_none() => {
                let member = members.into_iter().next().map(|member| member.path);
                self.put(&name, &folder, whole(member), None);
            }
            Ok(members) => {
                for member in members {
                    let place = whole(Some(member.path));
                    self.put(
                        &member.video,
                        &member.folder,
                        place,
                        member.unread.as_deref(),
                    );
                }
            }
            Err(what) => {
                self.unread.insert(path.to_owned(), what.clone());
                self.put(&name, &folder, whole(None), Some(&what));
            }
        }
    }

    /// Notes an array under every video that its name can speak of.
    fn put(&mut self, name: &str, folder: &str, place: Place, unread: Option<&str>) {
        let mut add = |video: &str, crop, folder| {
            self.videos
                .entry(video.to_owned())
                .or_default()
                .push(Candidate {
                    place: place.clone(),
                    crop,
                    folder,
                    unread: unread.map(str::to_owned),
                });
        };
        if self.whole_names {
            add(names::key(name), None, None);
            self.taken.insert(place, false);
            return;
        }
        add(names::key(name), None, names::numbered(folder));
        if let Some((video, form, crop)) = names::crop(name) {
            add(names::key(video), Some((form, crop)), None);
        }
        if let Some(crop) = names::numbered(names::video(name))
            && !folder.is_empty()
        {
            add(names::key(folder), Some(("/", crop)), None);
        }
        self.taken.insert(place, false);
    }

    /// The names of all videos, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.videos.keys().map(String::as_str)
    }

    /// The arrays of a video, where there are some.
    pub(super) fn take(&mut self, video: &str) -> Option<Files> {
        let files = resolved(self.videos.get(video)?)?;
        for place in files.places() {
            self.taken.insert(place.clone(), true);
        }
        Some(files)
    }

    /// What was passed over, a line a reason.
    pub(super) fn passed(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let of_none: Vec<String> = self
            .taken
            .iter()
            .filter(|(place, taken)| !**taken && !self.unread.contains_key(&place.path))
            .map(|(place, _)| match &place.member {
                Some(member) => member.clone(),
                None => short(&place.path),
            })
            .collect();
        let needed: BTreeSet<&Path> = self
            .taken
            .iter()
            .filter(|(_, taken)| **taken)
            .map(|(place, _)| place.path.as_path())
            .collect();
        let unread: Vec<String> = self
            .unread
            .iter()
            .filter(|(path, _)| !needed.contains(path.as_path()))
            .map(|(path, what)| format!("{} {what}", short(path)))
            .collect();
        let mut say = |reason: &str, names: &[String]| {
            if !names.is_empty() {
                lines.push(format!(
                    "passed over, {reason}: {}",
                    summary::counted(names)
                ));
            }
        };
        say(
            "files that cannot be read and no listed video needs",
            &unread,
        );
        say("features of no listed video", &of_none);
        for (reason, names) in &self.passed {
            say(reason, names);
        }
        lines
    }

    /// A file that is of a video and of a kind that is not read.
    pub(super) fn archive(&self, video: &str) -> Option<&str> {
        let names = self.passed.get(OTHER_KINDS)?;
        names
            .iter()
            .find(|name| archived(Path::new(name)) && names::key(name) == video)
            .map(String::as_str)
    }

    /// The files that could not be read: where videos are missing, they may be the reason.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.unread
            .iter()
            .map(|(path, what)| (path.as_path(), what.as_str()))
    }
}

/// Formats of arrays that are known and not read.
fn archived(path: &Path) -> bool {
    matches!(
        names::extension(path).as_str(),
        "npz" | "pkl" | "pt" | "pth"
    )
}

fn short(path: &Path) -> String {
    path.file_name()
        .map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

/// Which of a video's arrays are used, and as what. One that cannot be read matters where it is a crop, or where the others do
/// not suffice.
fn resolved(all: &[Candidate]) -> Option<Files> {
    let (readable, unread): (Vec<&Candidate>, Vec<&Candidate>) =
        all.iter().partition(|one| one.unread.is_none());
    let found = arranged(&readable);
    let suffices = matches!(found, Some(Files::One(_) | Files::Crops(_)));
    let at_fault = unread
        .iter()
        .find(|one| one.crop.is_some() || !suffices)
        .and_then(|one| Some(Files::Unread(one.place.clone(), one.unread.clone()?)));
    at_fault.or(found)
}

fn arranged(readable: &[&Candidate]) -> Option<Files> {
    let (whole, crops): (Vec<&Candidate>, Vec<&Candidate>) =
        readable.iter().partition(|one| one.crop.is_none());
    if let ([one], []) = (&whole[..], &crops[..]) {
        return Some(Files::One(one.place.clone()));
    }
    let unclear = |one: &Candidate, other: &Candidate| {
        Some(Files::Unclear(one.place.clone(), other.place.clone()))
    };
    let mut numbered: BTreeMap<u32, &Candidate> = BTreeMap::new();
    let mut centre = None;
    for one in &crops {
        let (form, crop) = one.crop?;
        if let Some(other) = crops
            .iter()
            .find(|other| other.crop.is_some_and(|(other, _)| other != form))
        {
            return unclear(one, other);
        }
        if let Some(other) = numbered.insert(crop, one) {
            return unclear(other, one);
        }
    }
    for one in &whole {
        // A folder a crop: only where there are several are their numbers crops.
        match one.folder.filter(|_| crops.is_empty()) {
            Some(crop) => {
                if let Some(other) = numbered.insert(crop, one) {
                    return unclear(other, one);
                }
            }
            None => {
                if let Some(other) = centre.replace(*one) {
                    return unclear(other, one);
                }
            }
        }
    }
    if let Some(centre) = centre {
        // The centre is the crop without a number, where 0 is free.
        if let Some(other) = numbered.insert(0, centre) {
            return unclear(centre, other);
        }
    }
    let first = *numbered.keys().next()?;
    let last = *numbered.keys().next_back()?;
    let places: BTreeMap<u32, Place> = numbered
        .iter()
        .map(|(crop, one)| (*crop, one.place.clone()))
        .collect();
    if places.len() == 1 {
        return Some(Files::Crops(places));
    }
    // They count from 0 or from 1.
    match (first.min(1)..=last).find(|crop| !places.contains_key(crop)) {
        Some(missing) => Some(Files::Incomplete(places, missing)),
        None => Some(Files::Crops(places)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(paths: &[&str]) -> Index {
        let mut index = Index::default();
        for path in paths {
            index.file(Path::new("f"), &Path::new("f").join(path));
        }
        index
    }

    fn crops(paths: &[&str]) -> Option<Vec<u32>> {
        match index(paths).take("Abuse001")? {
            Files::Crops(crops) => Some(crops.into_keys().collect()),
            Files::One(_) => Some(Vec::new()),
            _ => None,
        }
    }

    #[test]
    fn every_way_to_number_crops_is_read() {
        for form in [
            "Abuse001_x264__#.npy",
            "Abuse001_x264_c#.npy",
            "Abuse001_x264.#.npy",
            "Abuse001_x264_crop#.npy",
            "Abuse001_x264_crop_#_i3d.NPY",
            "Abuse001_x264_i3d_#.npy",
            "#/Abuse001_x264.npy",
            "crop_#/Abuse001_x264_i3d.npy",
            "Abuse/Abuse001_x264/#.npy",
            "Abuse001_x264/crop#.npy",
        ] {
            for range in [0..10, 0..5, 1..11] {
                let paths: Vec<String> = range
                    .clone()
                    .map(|crop: u32| form.replace('#', &crop.to_string()))
                    .collect();
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                assert_eq!(crops(&paths), Some(range.collect()), "{form}");
            }
        }
    }

    #[test]
    fn the_centre_may_have_no_number() {
        let numbered = (1..10).map(|crop| format!("Abuse001_x264__{crop}.npy"));
        let paths: Vec<String> = numbered.chain(["Abuse001_x264.npy".to_owned()]).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(crops(&paths), Some((0..10).collect()));
        assert_eq!(
            crops(&[
                "Abuse001_x264.npy",
                "1/Abuse001_x264.npy",
                "2/Abuse001_x264.npy"
            ]),
            Some(vec![0, 1, 2])
        );
    }

    #[test]
    fn what_cannot_be_read_matters_where_it_is_needed() {
        let mut index = index(&["Abuse001.npy", "Abuse001__1.npy"]);
        let place = |name: &str| Place {
            path: name.into(),
            member: None,
        };
        index.put("Abuse001.mat", "", place("Abuse001.mat"), Some("is old"));
        assert!(matches!(index.take("Abuse001"), Some(Files::Crops(_))));
        index.put(
            "Abuse001__2.h5",
            "",
            place("Abuse001__2.h5"),
            Some("is old"),
        );
        assert!(matches!(index.take("Abuse001"), Some(Files::Unread(..))));
    }

    #[test]
    fn numbered_folders_of_scenes_are_no_crops() {
        assert_eq!(crops(&["01/Abuse001_x264.npy"]), Some(vec![]));
    }

    #[test]
    fn what_is_unclear_or_lacks_a_crop_is_no_guess() {
        let taken = |paths: &[&str]| index(paths).take("Abuse001").unwrap();
        assert!(matches!(
            taken(&["Abuse001.npy", "Abuse001__0.npy", "Abuse001__1.npy"]),
            Files::Unclear(..)
        ));
        assert!(matches!(
            taken(&["a/Abuse001.npy", "b/Abuse001_i3d.npy"]),
            Files::Unclear(..)
        ));
        assert!(matches!(
            taken(&["Abuse001__0.npy", "Abuse001_c1.npy"]),
            Files::Unclear(..)
        ));
        assert!(matches!(
            taken(&["Abuse001__0.npy", "Abuse001__1.npy", "Abuse001__3.npy"]),
            Files::Incomplete(_, 2)
        ));
        assert!(matches!(
            taken(&["Abuse001__2.npy", "Abuse001__3.npy"]),
            Files::Incomplete(_, 1)
        ));
    }
}
