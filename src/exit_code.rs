//! Exit codes: what a script may rely on. 1 is left for the unexpected, 2 is clap's, 101 a panic's.

/// All went well.
pub const OK: u8 = 0;
/// Something that nobody foresaw.
pub const UNEXPECTED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The sweep file or a data set is not valid.
pub const INVALID_INPUT: u8 = 10;
/// The sweep is finished, but jobs failed.
pub const JOBS_FAILED: u8 = 11;
/// The coordinator cannot be reached.
pub const UNREACHABLE: u8 = 12;
/// The state folder cannot be used.
pub const STORE_UNUSABLE: u8 = 13;
/// A self-test deviates from its trace.
pub const SELFTEST_DEVIATES: u8 = 14;
/// A worker's device cannot be used: it is not there, too old, without memory, or it failed; or a GPU is assigned and the program
/// cannot use it.
pub const DEVICE_UNUSABLE: u8 = 15;
/// A running coordinator broke down: its engine, a port or a task that it cannot do without ended. Or it could not
/// start for a reason that may pass, such as a full disk. Starting it again is right, unlike after [`STORE_UNUSABLE`].
pub const COORDINATOR_BROKE: u8 = 16;
/// A box of results is not what it says.
pub const BOX_DIFFERS: u8 = 17;
/// Nothing of a box differs, but not every job of the sample could be run here.
pub const BOX_INCOMPLETE: u8 = 18;
/// Interrupted by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
