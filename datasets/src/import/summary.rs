//! What was taken, left out and changed, counted by reason.

/// Names that are shown of many.
const SHOWN: usize = 3;

/// The first names of a list, and how many there are.
pub(super) fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    let shown = shown.join(", ");
    match names.len() {
        0..=SHOWN => shown,
        all => format!("{shown} … ({all} videos)"),
    }
}

/// How many names there are, and the first.
pub(super) fn counted(names: &[String]) -> String {
    let more = if names.len() > SHOWN { " …" } else { "" };
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    format!("{} ({}{more})", names.len(), shown.join(", "))
}
