//! Why something of a folder is left out, or changed: what is counted by the same reason is said on one line.

pub(crate) const ENDING: &str = "left out, files of other endings";
pub(crate) const HIDDEN: &str = "left out, hidden (their names begin with a dot)";
pub(crate) const SYSTEM: &str = "left out, folders of the system";
pub(crate) const CIRCLE: &str = "left out, links to a folder around them";
pub(crate) const DEEP: &str = "left out, folders inside too many others";
pub(crate) const UNREADABLE: &str = "left out, cannot be read";
pub(crate) const NO_TEXT: &str = "left out, names that are no UTF-8, which no list can hold";
pub(crate) const NO_FILE: &str = "left out, neither files nor folders";
pub(crate) const DANGLING: &str = "left out, links to nothing";
pub(crate) const BESIDE: &str = "left out, pictures beside videos";
pub(crate) const ABOVE: &str = "left out, pictures above folders of videos";
pub(crate) const MASKS: &str = "left out, called masks or truth";
pub(crate) const SHOWN: &str = "left out, called thumbnails or previews";
pub(crate) const ALBUM: &str = "left out, pictures whose names do not number them as frames";
pub(crate) const SECOND: &str = "left out, second pictures of a number";
pub(crate) const FRAMES: &str = "left out, pictures in a folder called as the video beside it";
pub(crate) const PREVIEW: &str = "left out, GIFs called as the video beside them";
pub(crate) const SPLIT: &str =
    "changed, pictures of several videos in one folder are told apart by their names";
pub(crate) const GAPS: &str = "changed, pictures whose numbers have gaps are taken as they follow";
pub(crate) const EVERY: &str =
    "changed, pictures numbered in steps are the frames, counted from 0 without gaps";
pub(crate) const CALLED: &str = "changed, names with control characters";
pub(crate) const TWICE: &str =
    "changed, videos of one name in several types are called with their ending";
pub(crate) const NOT_LISTED: &str = "left out, not on the list";
pub(crate) const BROKEN: &str = "left out, cannot be decoded";
pub(crate) const NO_PICTURE: &str = "left out, without a moving picture (sound, covers)";
pub(crate) const COMPLAINTS: &str = "changed, decoded with complaints of ffmpeg";
pub(crate) const CUT: &str = "changed, anomalous frames past the video's end are cut there";
pub(crate) const COUNTED: &str = "changed, other numbers of frames than in the annotation";
pub(crate) const REMARK: &str = "left out, lines of the list that begin with # and name no video";
