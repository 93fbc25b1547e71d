//! The font of every figure, and how wide a text is in it.

use std::sync::Once;

use plotters::style::{FontStyle, IntoFont, register_font};

/// What an SVG asks for. DejaVu is measured; Verdana has the same widths, the others are narrower, so nothing collides.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// Regular.
pub(super) fn regular() -> &'static [u8] {
    dejavu::sans::regular()
}

/// Bold.
pub(super) fn bold() -> &'static [u8] {
    dejavu::sans::bold()
}

/// Width of `text` at `size` pixels, in pixels.
pub(super) fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    /// Measured large, since the answer comes in whole pixels.
    const MEASURED: f64 = 200.0;
    static FONTS: Once = Once::new();
    const NAME: &str = "figure";
    FONTS.call_once(|| {
        // Fails only for bytes that are no font; these are DejaVu's.
        let _ = register_font(NAME, FontStyle::Normal, regular());
        let _ = register_font(NAME, FontStyle::Bold, bold());
    });
    let style = if is_bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    let font = (NAME, MEASURED).into_font().style(style);
    let guess = text.chars().count() as f64 * 0.62 * size;
    font.layout_box(text)
        .map_or(guess, |((left, _), (right, _))| {
            // plotters takes the size as the line's height; SVG as the em, which its backend makes 1/1.24 of it.
            f64::from(right - left) / MEASURED * 1.24 * size
        })
}

/// `text`, cut at the end with an ellipsis where it is wider than `room`.
pub(super) fn fit(text: &str, size: f64, is_bold: bool, room: f64) -> String {
    if width(text, size, is_bold) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut kept = characters.len();
    // Long texts are cut roughly first: a name of a megabyte must not be measured letter by letter.
    kept = kept.min((room / size * 6.0) as usize + 1);
    while kept > 0 {
        let cut: String = characters[..kept]
            .iter()
            .collect::<String>()
            .trim_end()
            .to_owned()
            + "…";
        if width(&cut, size, is_bold) <= room {
            return cut;
        }
        kept -= 1;
    }
    "…".to_owned()
}
