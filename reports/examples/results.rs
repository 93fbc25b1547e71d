//! Writes the page of the study: `cargo run -p reports --example results -- OUT PAGE`. `sweeps/study/run` does it all.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(out), Some(page), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: results OUT PAGE, from the repository's root".into());
    };
    let sweeps = reports::study::read_study("sweeps/study".as_ref(), &out)?;
    std::fs::write(&page, reports::study::study_page(&sweeps))?;
    Ok(())
}
