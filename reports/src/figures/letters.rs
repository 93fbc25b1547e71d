//! Letters that the figures' font does not have, in pictures of pixels.
//!
//! An SVG is shown with the fonts of its reader. A PNG has no reader's fonts: it borrows the letters that are missing from the
//! fonts of the machine that makes it. What no font there has stands as `⟨1⟩` and is spelt below the figure as code points,
//! so that two names never look alike and no empty box stands for a word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use super::text;

/// The font of the figures alone, for all whose letters it has: their pixels do not depend on the machine.
pub(super) fn bundled() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    FONTS.get_or_init(|| Arc::new(own())).clone()
}

fn own() -> fontdb::Database {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(text::regular().to_vec());
    fonts.load_font_data(text::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts
}

/// The letters of a picture's texts that the figures' font does not have.
pub(super) fn missing(svg: &str) -> BTreeSet<char> {
    if svg.is_ascii() {
        return BTreeSet::new();
    }
    texts(svg)
        .flat_map(str::chars)
        .filter(|letter| !text::has(*letter))
        .collect()
}

/// Those of `letters` that a font of this machine has, and the fonts; looked for once.
pub(super) fn borrowed(letters: &BTreeSet<char>) -> (BTreeSet<char>, Arc<fontdb::Database>) {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = own();
        fonts.load_system_fonts();
        Arc::new(fonts)
    });
    let mut found = BTreeSet::new();
    for face in fonts.faces() {
        if found.len() == letters.len() {
            break;
        }
        fonts.with_face_data(face.id, |data, index| {
            if let Ok(face) = ttf_parser::Face::parse(data, index) {
                let has = |letter: &&char| face.glyph_index(**letter).is_some();
                found.extend(letters.iter().filter(has));
            }
        });
    }
    (found, fonts.clone())
}

/// The picture with a number for each run of `letters` in its texts, and a line below it for each number.
pub(super) fn numbered(svg: &str, letters: &BTreeSet<char>) -> String {
    /// Units of a CSS pixel, as the canvas has them.
    const SCALE: f64 = 8.0;
    const LINE: f64 = 16.0;
    let size = |name: &str| -> f64 {
        let value = svg
            .split_once(name)
            .and_then(|(_, after)| after.split('"').next());
        value.and_then(|value| value.parse().ok()).unwrap_or(720.0)
    };
    let (width, height) = (size(" width=\""), size(" height=\""));
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut spelt = Vec::new();
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some((before, content, after)) = next_text(rest) {
        out.push_str(before);
        let mut run = String::new();
        for letter in content.chars().chain(std::iter::once('\0')) {
            if letters.contains(&letter) {
                run.push(letter);
                continue;
            }
            if !run.is_empty() {
                let next = numbers.len() + 1;
                let number = *numbers.entry(run.clone()).or_insert_with(|| {
                    spelt.push(run.clone());
                    next
                });
                let _ = write!(out, "⟨{number}⟩");
                run.clear();
            }
            if letter != '\0' {
                out.push(letter);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    let mut foot = vec![
        "No font of the machine that made this PNG has these letters; the SVG shows them:"
            .to_owned(),
    ];
    for (index, run) in spelt.iter().enumerate() {
        let points: Vec<String> = run
            .chars()
            .map(|letter| format!("U+{:04X}", u32::from(letter)))
            .collect();
        foot.push(format!("⟨{}⟩ {}", index + 1, points.join(" ")));
    }
    let tall = height + LINE * foot.len() as f64 + 6.0;
    let mut lines = format!(
        "<rect y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>",
        height * SCALE,
        width * SCALE,
        (tall - height) * SCALE
    );
    for (index, line) in foot.iter().enumerate() {
        let y = (height + LINE * (index as f64 + 0.7)) * SCALE;
        let line = text::fit(line, 10.0, false, width - 24.0);
        let _ = write!(
            lines,
            "<text x=\"96\" y=\"{y}\" font-size=\"80\">{line}</text>"
        );
    }
    out.replacen(
        &format!("height=\"{height}\""),
        &format!("height=\"{tall}\""),
        1,
    )
    .replacen(
        &format!("viewBox=\"0 0 {} {}\"", width * SCALE, height * SCALE),
        &format!("viewBox=\"0 0 {} {}\"", width * SCALE, tall * SCALE),
        1,
    )
    .replace("</svg>", &format!("{lines}</svg>"))
}

/// What the picture writes: the contents of its `<text>` elements, which have no elements inside.
fn texts(svg: &str) -> impl Iterator<Item = &str> {
    let mut rest = svg;
    std::iter::from_fn(move || {
        let (_, content, after) = next_text(rest)?;
        rest = after;
        Some(content)
    })
}

/// What is before the next text's content, the content, and what is after it.
fn next_text(svg: &str) -> Option<(&str, &str, &str)> {
    let start = svg.find("<text ")?;
    let start = start + svg[start..].find('>')? + 1;
    let end = start + svg[start..].find("</text>")?;
    Some((&svg[..start], &svg[start..end], &svg[end..]))
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{Canvas, TextStyle};
    use super::*;

    fn svg(names: &[&str]) -> String {
        let mut canvas = Canvas::new(&super::super::about::About::default(), 300.0, 50.0);
        for name in names {
            canvas.text(10.0, 20.0, TextStyle::new(11.0), name);
        }
        // A title is read out, not drawn: its letters need no font.
        canvas.finish("x", "題", "")
    }

    #[test]
    fn the_bundled_font_is_enough_for_europe() {
        assert!(missing(&svg(&["GCL_B", "Größe, naïve, Δσ ≥ 1 · Ж"])).is_empty());
        assert_eq!(
            missing(&svg(&["中文 a", "文"])),
            BTreeSet::from(['中', '文'])
        );
    }

    #[test]
    fn what_no_font_has_is_numbered_and_spelt() {
        let svg = svg(&["a 中文 b", "한", "中文"]);
        let shown = numbered(&svg, &missing(&svg));
        assert!(
            shown.contains(">a ⟨1⟩ b</text>") && shown.contains(">⟨2⟩</text>"),
            "{shown}"
        );
        assert_eq!(
            shown.matches(">⟨1⟩</text>").count(),
            1,
            "the same name has the same number"
        );
        assert!(
            shown.contains("⟨1⟩ U+4E2D U+6587") && shown.contains("⟨2⟩ U+D55C"),
            "{shown}"
        );
        assert!(
            missing(&shown).is_empty(),
            "nothing is left that would be a box"
        );
        assert!(
            shown.contains("height=\"104\"") && shown.contains("viewBox=\"0 0 2400 832\""),
            "{shown}"
        );
    }
}
