//! Data sets from the layouts in which features and annotations of UCF-Crime, ShanghaiTech, XD-Violence and UpCam are passed
//! around.
//!
//! Features: a folder of `.npy` files, one a video (`[segments, dim]`, `[segments, crops, dim]` or crops first, f16, f32
//! or f64), one a crop (`NAME__0.npy`, `NAME_c0.npy`, `NAME.0.npy`, a folder a crop, the centre without a number), C3D text
//! of 32 lines, or HDF5 (a data set or a file a video; MATLAB's files of version 7.3 are HDF5). Lists and annotations: as
//! found, with Windows paths and texts, quotes, tabs, bars and brackets, −1 for what is missing, names with and without
//! suffixes, a line a crop, a table of pandas, several lists a split. What an importer leaves out, changes or doubts it says
//! in the report's notes and in `dataset.toml`; what it cannot use and a listed video needs it refuses, with file and line.
//! Older MAT files are not read.
//!
//! Reading order: `request`, `names`, `text`, `ucf_crime`, `shanghaitech`, `xd_violence`, `upcam`, `hdf5`, `found`, `source`, `summary`, `assemble`.

mod assemble;
mod found;
mod hdf5;
mod lists;
mod names;
mod request;
mod shanghaitech;
mod source;
mod summary;
mod text;
mod ucf_crime;
mod upcam;
mod wanted;
mod xd_violence;

pub use lists::{ListRequest, ListedVideo, Lists, shanghaitech_lists, ucf_crime_lists, video_key};
pub use request::{ExtraRows, ImportError, ImportReport, ImportedSplit, Request};
pub use shanghaitech::shanghaitech;
pub use ucf_crime::ucf_crime;
pub use upcam::{upcam, upcam_lists};
pub use xd_violence::xd_violence;
