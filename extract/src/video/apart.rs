//! Every video of a folder has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Found, Other};
use super::reason;

/// Gives each video and each other file a name that no other has, fit for a list.
pub(super) fn name(found: &mut Found) {
    for video in &mut found.videos {
        if let Some(name) = printable(&video.name) {
            let said = format!("{} is called {name}", video.name);
            found.account.add(reason::CALLED, &said);
            video.name = name;
        }
    }
    files_and_their_likes(found);
    found.videos.sort_by(|a, b| a.name.cmp(&b.name));
    let path = |a: &Other, b: &Other| a.video.path.cmp(&b.video.path);
    found.others.sort_by(path);
    others(found);
}

/// What is not taken gets a name that no video has, should a list name it.
fn others(found: &mut Found) {
    let videos = found.videos.iter();
    let mut seen: BTreeSet<String> = videos.map(|video| video.name.clone()).collect();
    for Other { video, .. } in &mut found.others {
        if let Some(name) = printable(&video.name) {
            video.name = name;
        }
        if seen.contains(&video.name)
            && let Some(full) = video.full_name()
        {
            video.name = full;
        }
        let (name, mut number) = (video.name.clone(), 2);
        while !seen.insert(video.name.clone()) {
            video.name = format!("{name}-{number}");
            number += 1;
        }
    }
}

/// Every video has a name of its own.
fn files_and_their_likes(found: &mut Found) {
    let mut of_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, video) in found.videos.iter().enumerate() {
        of_name.entry(video.name.clone()).or_default().push(at);
    }
    let mut out = Vec::new();
    for (name, places) in of_name.into_iter().filter(|(_, all)| all.len() > 1) {
        let ending = |at: usize| {
            let ending = found.videos[at].path.extension();
            ending.map(|ending| ending.to_string_lossy().to_ascii_lowercase())
        };
        let pictures = |at: usize| found.videos[at].pictures.is_some();
        // A file before the pictures that were made of it, and before its preview.
        let files: Vec<usize> = places.iter().copied().filter(|at| !pictures(*at)).collect();
        let real: Vec<usize> = files
            .iter()
            .copied()
            .filter(|at| ending(*at).as_deref() != Some("gif"))
            .collect();
        let kept = match (&real[..], &files[..]) {
            ([], [_, ..]) => files,
            ([_, ..], _) => real,
            _ => places.clone(),
        };
        for at in places.iter().filter(|at| !kept.contains(at)) {
            let reason = if pictures(*at) {
                reason::FRAMES
            } else {
                reason::PREVIEW
            };
            out.push((*at, reason));
        }
        if let [_, _, ..] = kept[..] {
            found.account.add(reason::TWICE, &name);
            for at in kept {
                if let Some(full) = found.videos[at].full_name() {
                    found.videos[at].name = full;
                }
            }
        }
    }
    out.sort_unstable();
    for (at, reason) in out.into_iter().rev() {
        let video = found.videos.remove(at);
        let said = video.name.clone();
        found.others.push(Other {
            video,
            reason,
            said,
        });
    }
    numbers(found);
}

/// Names that are still equal (`a.mp4` and `a.MP4`) get a number.
fn numbers(found: &mut Found) {
    let mut seen = BTreeSet::new();
    for video in &mut found.videos {
        let mut number = 2;
        let name = video.name.clone();
        while !seen.insert(video.name.clone()) {
            video.name = format!("{name}-{number}");
            number += 1;
        }
    }
}

/// The name without control characters, where it has some: lists are read line by line, and names are shown on terminals.
fn printable(name: &str) -> Option<String> {
    name.contains(char::is_control)
        .then(|| name.replace(char::is_control, "_"))
}
