//! PPM images from a pipe: their header states the size of each frame.

use std::io::BufRead;

use super::Frame;

/// Pixels of a frame: as many as 16K video has.
const MOST_PIXELS: usize = 1 << 27;

/// One binary PPM image, as ffmpeg writes it: `P6\nWIDTH HEIGHT\n255\n`, then the pixels.
pub(super) fn read_ppm(from: &mut impl BufRead, frame: &mut Frame) -> Result<bool, String> {
    let cut = |error: std::io::Error| format!("the stream of frames is cut ({error})");
    if from.fill_buf().map_err(cut)?.is_empty() {
        return Ok(false);
    }
    let mut header = Vec::new();
    let mut lines = 0;
    while lines < 3 {
        let mut byte = [0];
        from.read_exact(&mut byte).map_err(cut)?;
        lines += usize::from(byte[0] == b'\n');
        header.push(byte[0]);
        if header.len() > 40 {
            return Err("ffmpeg sends no PPM images".to_owned());
        }
    }
    let text = String::from_utf8_lossy(&header);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let size = match words[..] {
        ["P6", width, height, "255"] => width
            .parse::<usize>()
            .ok()
            .zip(height.parse::<usize>().ok()),
        _ => None,
    };
    let (width, height) = size
        .filter(|(width, height)| {
            width
                .checked_mul(*height)
                .is_some_and(|pixels| (1..=MOST_PIXELS).contains(&pixels))
        })
        .ok_or_else(|| {
            format!(
                "a frame of an impossible size: {}",
                text.trim().replace('\n', " ")
            )
        })?;
    frame.width = width;
    frame.height = height;
    frame.pixels.resize(width * height * 3, 0);
    from.read_exact(&mut frame.pixels).map_err(cut)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_ppm_images_is_read_and_faults_are_said() {
        let mut frame = Frame::default();
        let mut two: &[u8] = b"P6\n1 2\n255\nabcdefP6\n1 1\n255\n\n\n\n";
        assert!(read_ppm(&mut two, &mut frame).unwrap());
        assert_eq!(
            (frame.width, frame.height, &frame.pixels[..]),
            (1, 2, &b"abcdef"[..])
        );
        assert!(read_ppm(&mut two, &mut frame).unwrap());
        assert_eq!(frame.pixels, b"\n\n\n");
        assert!(!read_ppm(&mut two, &mut frame).unwrap());
        for bad in [
            &b"P6\n1 2\n255\nabc"[..],
            b"P5\n1 2\n255\nabcdef",
            b"P6\n0 2\n255\n",
            b"P6\n99999999 99999999\n255\n",
            b"P6\n18446744073709551615 2\n255\n",
            b"P6",
            b"everything else that is long enough to be no header at all\n",
        ] {
            assert!(read_ppm(&mut &*bad, &mut frame).is_err(), "{bad:?}");
        }
    }
}
