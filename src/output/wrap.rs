//! Lines no wider than a terminal. Words stay whole, and so does what stands between backticks: somebody may want to copy it.

use unicode_width::UnicodeWidthStr;

/// The lines of a text, each at most `width` columns wide; a single word may be wider.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        // What is indented is a list or a picture of a file: its author broke the lines.
        let indent = paragraph.len() - paragraph.trim_start_matches(' ').len();
        if indent > 0 || paragraph.width() <= width {
            lines.push(paragraph.to_owned());
            continue;
        }
        let mut line = String::new();
        for word in words(paragraph) {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        lines.push(line);
    }
    lines
}

/// What spaces outside of backticks keep apart.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    // A backtick without its other half quotes nothing.
    let pairs = text.matches('`').count() / 2 * 2;
    let mut seen = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '`' if seen < pairs => {
                seen += 1;
                quoted = !quoted;
            }
            ' ' if !quoted => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_commands_stay_whole() {
        let text =
            "time: not known yet; `gcl-sweep rehearse sweeps/fig5.toml` measures a step of each";
        assert_eq!(
            wrap(text, 40),
            [
                "time: not known yet;",
                "`gcl-sweep rehearse sweeps/fig5.toml`",
                "measures a step of each"
            ]
        );
        assert_eq!(wrap("it`s one word", 5), ["it`s", "one", "word"]);
        assert_eq!(wrap("a\n\nb", 1), ["a", "", "b"]);
        assert_eq!(
            wrap("  a list stays as it is", 5),
            ["  a list stays as it is"]
        );
        for width in 0..90 {
            let words: Vec<String> = wrap(text, width)
                .iter()
                .flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>())
                .collect();
            assert_eq!(words.join(" "), text, "nothing is lost at {width}");
        }
    }
}
