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

/// The lines of a page of prose and short lists. What is indented by four columns is a command or a picture of a file and stays as it is; what is indented
/// by less is broken below its beginning, or, in a list of names and what they mean, below the second column.
pub fn prose(text: &str, width: usize) -> String {
    let lines = text.split('\n').flat_map(|line| {
        let (head, rest) = line.split_at(margin_bytes(line));
        let margin = head.width();
        let room = width.saturating_sub(margin);
        if line.starts_with("    ") || line.width() <= width || room < width / 2 {
            return vec![line.to_owned()];
        }
        let mut lines = wrap(rest, room);
        for (number, line) in lines.iter_mut().enumerate() {
            let head = if number == 0 {
                head.to_owned()
            } else {
                " ".repeat(margin)
            };
            line.insert_str(0, &head);
        }
        lines
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where what may be broken begins.
fn margin_bytes(line: &str) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    if line[indent..].starts_with("- ") {
        return indent + 2;
    }
    line[indent..].find("  ").map_or(indent, |gap| {
        let rest = &line[indent + gap..];
        line.len() - rest.trim_start_matches(' ').len()
    })
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
    fn prose_is_broken_below_where_it_begins() {
        let text = "one two three four\n\n  why it is so\n    gcl-sweep run sweeps/quickstart.toml\n\
                    name:  what it means here";
        assert_eq!(
            prose(text, 12),
            "one two\nthree four\n\n  why it is\n  so\n    gcl-sweep run sweeps/quickstart.toml\n\
             name:  what it means here"
        );
        assert_eq!(prose("- what is in a list", 14), "- what is in a\n  list");
        assert_eq!(
            prose("name:  what it means here", 20),
            "name:  what it means\n       here"
        );
        assert_eq!(prose(text, 80), text);
    }

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
