//! The font of every figure, how wide a text is in it, and which letters it has.

use std::sync::OnceLock;

use ttf_parser::Face;

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

fn face(is_bold: bool) -> Option<&'static Face<'static>> {
    static FACES: [OnceLock<Option<Face<'static>>>; 2] = [OnceLock::new(), OnceLock::new()];
    FACES[usize::from(is_bold)]
        .get_or_init(|| Face::parse(if is_bold { bold() } else { regular() }, 0).ok())
        .as_ref()
}

/// Whether the figures' font has the letter.
pub(super) fn has(letter: char) -> bool {
    face(false).is_some_and(|face| face.glyph_index(letter).is_some())
}

/// Width of `text` at `size` pixels, in pixels. Letters that another font must show count as a square.
pub(super) fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    let Some(face) = face(is_bold) else {
        return text.chars().count() as f64 * size;
    };
    let em = f64::from(face.units_per_em());
    let advance = |letter| {
        face.glyph_index(letter)
            .and_then(|glyph| face.glyph_hor_advance(glyph))
            .map_or(em, f64::from)
    };
    text.chars().map(advance).sum::<f64>() / em * size
}

/// `text`, with an ellipsis for its middle where it is wider than `room`: names that differ at the end still do.
pub(super) fn fit(text: &str, size: f64, is_bold: bool, room: f64) -> String {
    if width(text, size, is_bold) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    // Long texts are cut roughly first: a name of a megabyte must not be measured letter by letter.
    let mut kept = characters.len().min((room / size * 6.0) as usize + 1);
    while kept > 0 {
        let tail = kept * 2 / 5;
        let head: String = characters[..kept - tail].iter().collect();
        let tail: String = characters[characters.len() - tail..].iter().collect();
        let cut = format!("{}…{}", head.trim_end(), tail.trim_start());
        if width(&cut, size, is_bold) <= room {
            return cut;
        }
        kept -= 1;
    }
    "…".to_owned()
}

/// `text` in lines that are not wider than `room`, broken between words; a longer word is cut.
pub(super) fn wrap(text: &str, size: f64, is_bold: bool, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let space = width(" ", size, is_bold);
    let mut used = f64::INFINITY;
    for word in text.split_whitespace() {
        let wide = width(word, size, is_bold);
        match lines.last_mut() {
            Some(line) if used + space + wide <= room => {
                line.push(' ');
                line.push_str(word);
                used += space + wide;
            }
            _ => {
                lines.push(fit(word, size, is_bold, room));
                used = wide;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_fonts() {
        // By fontTools: the sum of the advances of DejaVu Sans, and of its bold, at 11 pixels.
        for (text, regular, bold) in [
            ("supervision_percent = 0", 134.110_839_84, 149.644_042_97),
            ("AE_AllData", 59.876_953_125, 66.816_406_25),
        ] {
            assert!((width(text, 11.0, false) - regular).abs() < 1e-6);
            assert!((width(text, 11.0, true) - bold).abs() < 1e-6);
        }
        assert!((width("中文", 10.0, false) - 20.0).abs() < 1e-9);
        assert!(has('é') && has('σ') && !has('中'));
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(fit("short", 11.0, false, 100.0), "short");
        let cut = fit("GCL_WS · supervision_percent = 33", 11.0, true, 150.0);
        assert!(
            cut.starts_with("GCL_WS · ") && cut.ends_with("= 33"),
            "{cut}"
        );
        assert!(width(&cut, 11.0, true) <= 150.0);
        assert_eq!(fit("name", 11.0, false, 1.0), "…");
        let long = fit(&"n".repeat(1_000_000), 11.0, false, 150.0);
        assert!(long.chars().count() < 40, "{long}");
    }
}
