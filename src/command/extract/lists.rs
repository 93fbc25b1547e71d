//! Splits and truth: a plain list, or UCF-Crime's and ShanghaiTech's as they are passed around.

use std::collections::BTreeMap;
use std::path::Path;

use datasets::DatasetError;
use datasets::import::{
    ListRequest, ListedVideo, Lists, shanghaitech_lists, ucf_crime_lists, upcam_lists, video_key,
};
use extract::list::{Listed, Split};
use extract::video::{Found as Folder, Video, find};
use extract::{Account, Splits};
use proto::error_chain;

use crate::arguments::SplitLists;
use crate::error::CommandError;
use crate::output::say;

/// Faults that are shown.
const MOST_SHOWN: usize = 10;

/// The splits, and what the lists say of the videos' origin.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) splits: Splits,
    pub(super) source: &'static str,
    pub(super) licence: &'static str,
    /// What there is to say of the lists, for the metadata.
    pub(super) notes: Vec<String>,
}

/// What was asked for on the command line.
pub(super) fn splits(given: &SplitLists, videos: &Path) -> Result<Found, CommandError> {
    let plain = |splits| Found {
        splits,
        source: "",
        licence: "",
        notes: Vec::new(),
    };
    if let Some(list) = &given.list {
        return Ok(plain(Splits::List(list.clone())));
    }
    if let (true, Some(annotations)) = (given.upcam, &given.annotations) {
        let found = folder(videos)?;
        let names: Vec<&str> = found.videos.iter().map(|video| &*video.name).collect();
        return known(upcam_lists(annotations, &names), &found, given.skip_missing);
    }
    let (Some(train), Some(test), Some(annotations)) =
        (&given.train, &given.test, &given.annotations)
    else {
        if given.train.is_some() || given.test.is_some() || given.annotations.is_some() {
            return Err(which());
        }
        return Ok(plain(Splits::Folders));
    };
    let request = ListRequest {
        train: train.clone(),
        test: test.clone(),
        annotations: annotations.clone(),
    };
    let lists = match (given.ucf_crime, given.shanghaitech) {
        (true, _) => ucf_crime_lists(&request),
        (_, true) => shanghaitech_lists(&request),
        _ => return Err(which()),
    };
    known(lists, &folder(videos)?, given.skip_missing)
}

fn folder(videos: &Path) -> Result<Folder, CommandError> {
    find(videos).map_err(|error| CommandError::Input(error_chain(&error)))
}

/// The videos of published lists.
fn known(
    lists: Result<Lists, DatasetError>,
    found: &Folder,
    skip_missing: bool,
) -> Result<Found, CommandError> {
    let lists = lists.map_err(|error| CommandError::Input(error.to_string()))?;
    for note in &lists.notes {
        say(&format!("note: {note}"));
    }
    let (listed, missing) = matched(&lists, found, skip_missing)?;
    let mut notes = lists.notes;
    if !missing.is_empty() {
        let mut account = Account::default();
        for name in &missing {
            account.add("left out, listed but not in the folder", name);
        }
        notes.extend(account.lines());
    }
    Ok(Found {
        splits: Splits::Known(listed),
        source: lists.source,
        licence: lists.licence,
        notes,
    })
}

fn which() -> CommandError {
    CommandError::Usage(
        "--train, --test and --annotations go together, with --ucf-crime or --shanghaitech".into(),
    )
}

/// The listed videos among those in the folder, training first, each in the order of its list; and the names of those that
/// are left out since they are not there. What was not taken for a video is one where the lists name it.
fn matched(
    lists: &Lists,
    found: &Folder,
    skip_missing: bool,
) -> Result<(Vec<Listed>, Vec<String>), CommandError> {
    let videos = by_key(found.videos.iter());
    let others = by_key(found.others.iter().map(|other| &other.video));
    let known = |name: &str| videos.get(name).or_else(|| others.get(name));
    let mut taken: BTreeMap<&str, String> = BTreeMap::new();
    let mut listed = Vec::new();
    let (mut faults, mut missing) = (Vec::new(), Vec::new());
    let both = [(Split::Train, &lists.train), (Split::Test, &lists.test)];
    for (split, wanted) in both
        .iter()
        .flat_map(|(split, list)| list.iter().map(move |wanted| (*split, wanted)))
    {
        let place = format!("{}:{}", wanted.list.display(), wanted.line);
        let video = match known(video_key(&wanted.name)).map(Vec::as_slice) {
            None | Some([]) => {
                missing.push((&wanted.name, place));
                continue;
            }
            Some([video]) => *video,
            Some([first, second, ..]) => {
                faults.push(format!(
                    "{place}: both {} and {} are called `{}`",
                    first.path.display(),
                    second.path.display(),
                    wanted.name
                ));
                continue;
            }
        };
        if let Some(before) = taken.insert(&video.name, place.clone()) {
            faults.push(format!("{place}: `{}` stands in {before}", wanted.name));
            continue;
        }
        listed.push(as_listed(video, split, wanted));
    }
    if skip_missing && !missing.is_empty() {
        say(&format!(
            "note: {} listed videos are not in the folder and are left out",
            missing.len()
        ));
    } else {
        let missing = missing.iter();
        faults.extend(missing.map(|(name, place)| format!("{place}: there is no video `{name}`")));
    }
    if faults.is_empty() {
        let missing = missing.into_iter().map(|(name, _)| name.clone());
        return Ok((listed, missing.collect()));
    }
    let mut text = format!("{} listed videos cannot be used:", faults.len());
    for fault in faults.iter().take(MOST_SHOWN) {
        text += &format!("\n  {fault}");
    }
    if faults.len() > MOST_SHOWN {
        text += &format!("\n  and {} more", faults.len() - MOST_SHOWN);
    }
    text += "\n\nhint: --skip-missing leaves out those that are not in the folder";
    Err(CommandError::Input(text))
}

/// Videos by what lists are matched by; pictures also by what they are called in their folder.
fn by_key<'a>(videos: impl Iterator<Item = &'a Video>) -> BTreeMap<&'a str, Vec<&'a Video>> {
    let mut known: BTreeMap<&str, Vec<&Video>> = BTreeMap::new();
    for video in videos {
        let own = video_key(&video.name);
        known.entry(own).or_default().push(video);
        if let Some(alias) = video.alias.as_deref().map(video_key)
            && alias != own
        {
            known.entry(alias).or_default().push(video);
        }
    }
    known
}

/// What the lists say of a video. They count the frames of the published one: of pictures that are one in ten of those, a
/// tenth.
fn as_listed(video: &Video, split: Split, wanted: &ListedVideo) -> Listed {
    let counted = |frames: std::ops::Range<u64>| match video.steps {
        Some(steps) => steps.pictures(frames),
        None => frames,
    };
    Listed {
        video: video.clone(),
        split,
        label: wanted.label,
        anomalous: wanted
            .anomalous
            .iter()
            .map(|range| counted(u64::from(range.start)..u64::from(range.end)))
            .filter(|range| !range.is_empty())
            .map(|range| (range.start, range.end))
            .collect(),
        frames: wanted
            .frames
            .map(|frames| counted(0..u64::from(frames)).end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(paths: &[&str]) -> Folder {
        let video = |path: &&str| {
            let name = path.rsplit_once('.').map_or(*path, |(name, _)| name);
            Video::file(name, *path)
        };
        Folder::of(paths.iter().map(video).collect())
    }

    fn wanted(name: &str, line: usize) -> ListedVideo {
        ListedVideo {
            name: name.to_owned(),
            list: "list.txt".into(),
            line,
            frames: Some(99),
            label: Some(true),
            anomalous: std::iter::once(3..7).collect(),
        }
    }

    fn lists(train: &[&str], test: &[&str]) -> Lists {
        let listed = |names: &[&str]| {
            let named = names.iter().enumerate();
            named.map(|(at, name)| wanted(name, at + 1)).collect()
        };
        Lists {
            train: listed(train),
            test: listed(test),
            source: "",
            licence: "",
            notes: Vec::new(),
        }
    }

    #[test]
    fn listed_videos_are_found_in_whatever_folder_they_lie() {
        let videos = folder(&[
            "Part-1/Abuse/Abuse001_x264.mp4",
            "Testing/Normal_Videos_003_x264.mp4",
            "Training/Normal_Videos003_x264.mp4",
            "other.avi",
        ]);
        let lists = lists(
            &["Normal_Videos003_x264"],
            &["Abuse001", "Normal_Videos_003_x264"],
        );
        let (listed, _) = matched(&lists, &videos, false).unwrap();
        let found: Vec<_> = listed
            .iter()
            .map(|one| (one.video.name.as_str(), one.split))
            .collect();
        assert_eq!(
            found,
            [
                ("Training/Normal_Videos003_x264", Split::Train),
                ("Part-1/Abuse/Abuse001_x264", Split::Test),
                ("Testing/Normal_Videos_003_x264", Split::Test),
            ]
        );
        assert_eq!(listed[1].anomalous, [(3, 7)]);
        assert_eq!(listed[1].frames, Some(99));
    }

    #[test]
    fn truth_is_counted_in_the_pictures_that_are_there() {
        let mut found = folder(&["Abuse001_x264.mp4"]);
        found.videos[0].steps = Some(extract::video::Steps { first: 0, step: 3 });
        let (listed, _) = matched(&lists(&[], &["Abuse001"]), &found, false).unwrap();
        assert_eq!(listed[0].anomalous, [(1, 3)]);
        assert_eq!(listed[0].frames, Some(33));
    }

    #[test]
    fn what_is_missing_or_unclear_is_said_with_its_line() {
        let videos = folder(&["a/x.mp4", "b/x.mp4", "y.mp4"]);
        let said = |train: &[&str], test: &[&str]| {
            matched(&lists(train, test), &videos, false)
                .unwrap_err()
                .to_string()
        };
        assert!(said(&["y", "z"], &[]).contains("list.txt:2: there is no video `z`"));
        assert!(said(&["x"], &[]).contains("both a/x.mp4 and b/x.mp4"));
        assert!(said(&["y"], &["y"]).contains("`y` stands in list.txt:1"));
        let lists = lists(&["y", "z"], &[]);
        let (listed, missing) = matched(&lists, &videos, true).unwrap();
        assert_eq!((listed.len(), missing), (1, vec!["z".to_owned()]));
    }
}
