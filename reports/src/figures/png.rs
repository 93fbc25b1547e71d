//! PNG from the SVG: for slides and for journals that want pixels.

use std::collections::BTreeSet;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::{Figure, letters};
use crate::error::ReportError;

/// Dots per inch of the PNG files. A figure is 96 CSS pixels to the inch.
pub const PNG_DPI: f64 = 300.0;

/// The picture in PNG, at [`PNG_DPI`], which the file also says.
pub fn png(figure: &Figure) -> Result<Vec<u8>, ReportError> {
    let fail = |message: String| ReportError::Png {
        figure: figure.name.clone(),
        message,
    };
    // The bundled font alone where it has all letters: then the pixels do not depend on what a machine has installed.
    let mut svg = std::borrow::Cow::Borrowed(figure.svg.as_str());
    let mut fonts = letters::bundled();
    let missing = letters::missing(&svg);
    if !missing.is_empty() {
        let (found, of_machine) = letters::borrowed(&missing);
        fonts = of_machine;
        let without: BTreeSet<char> = missing.difference(&found).copied().collect();
        if !without.is_empty() {
            svg = letters::numbered(&svg, &without).into();
        }
    }
    let options = Options {
        fontdb: fonts,
        font_family: "DejaVu Sans".to_owned(),
        ..Options::default()
    };
    let tree = Tree::from_str(&svg, &options).map_err(|error| fail(error.to_string()))?;
    let scale = (PNG_DPI / 96.0) as f32;
    let size = tree.size();
    let (width, height) = (
        (size.width() * scale).ceil() as u32,
        (size.height() * scale).ceil() as u32,
    );
    let mut pixels = Pixmap::new(width, height)
        .ok_or_else(|| fail(format!("{width} × {height} pixels do not fit")))?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    let bytes = pixels
        .encode_png()
        .map_err(|error| fail(error.to_string()))?;
    Ok(with_resolution(bytes))
}

/// Puts the chunk `pHYs`, which says how large a pixel is, after the header.
fn with_resolution(png: Vec<u8>) -> Vec<u8> {
    // Signature (8), then IHDR: length, name, 13 bytes, checksum.
    const HEADER: usize = 8 + 4 + 4 + 13 + 4;
    if png.len() < HEADER {
        return png;
    }
    let per_metre = (PNG_DPI / 0.0254).round() as u32;
    let mut content = b"pHYs".to_vec();
    content.extend(per_metre.to_be_bytes());
    content.extend(per_metre.to_be_bytes());
    content.push(1);
    let mut out = Vec::with_capacity(png.len() + 21);
    out.extend(&png[..HEADER]);
    out.extend(9_u32.to_be_bytes());
    out.extend(&content);
    out.extend(checksum(&content).to_be_bytes());
    out.extend(&png[HEADER..]);
    out
}

/// CRC-32 as PNG uses it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(super::checksum(b"123456789"), 0xcbf4_3926);
    }
}
