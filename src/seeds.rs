//! Seeds as people read them.

/// `0–4` for a run of seeds, else a list that is cut after some.
pub fn text(seeds: &[u64]) -> String {
    let run = seeds
        .windows(2)
        .all(|pair| pair[1] == pair[0].wrapping_add(1));
    match seeds {
        [one] => one.to_string(),
        [first, .., last] if run => format!("{first}–{last}"),
        _ => {
            let shown: Vec<String> = seeds.iter().take(6).map(ToString::to_string).collect();
            let more = if seeds.len() > 6 { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
    }
}
