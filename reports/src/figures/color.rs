//! Colours: the palette of Okabe and Ito, which people with any colour vision can tell apart.

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Color(pub(super) u8, pub(super) u8, pub(super) u8);

/// Text and axes.
pub(super) const INK: Color = Color(0x26, 0x26, 0x26);
/// Secondary text.
pub(super) const MUTED: Color = Color(0x5c, 0x5c, 0x5c);
/// Grid lines.
pub(super) const GRID: Color = Color(0xdd, 0xdd, 0xdd);
/// The page.
pub(super) const WHITE: Color = Color(0xff, 0xff, 0xff);

/// The band over what must not be taken for a result.
pub(super) const WARNING: Color = Color(0xa3, 0x3c, 0x00);

/// Blue: the discriminator.
pub(super) const BLUE: Color = Color(0x00, 0x72, 0xb2);
/// Vermillion: the generator.
pub(super) const VERMILLION: Color = Color(0xd5, 0x5e, 0x00);

/// For series without a colour of their own. Yellow is left out: it vanishes on white.
pub(super) const SERIES: [Color; 7] = [
    BLUE,
    VERMILLION,
    Color(0x00, 0x9e, 0x73),
    Color(0xcc, 0x79, 0xa7),
    Color(0xe6, 0x9f, 0x00),
    Color(0x56, 0xb4, 0xe9),
    Color(0x00, 0x00, 0x00),
];

/// A colour as SVG writes it.
pub(super) fn hexadecimal(color: Color) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}

/// A sequential scale from white to dark blue whose lightness falls evenly, for heat maps: it keeps its order in grey.
pub(super) fn sequential(share: f64) -> Color {
    const STOPS: [(f64, f64, f64); 5] = [
        (247.0, 251.0, 255.0),
        (198.0, 219.0, 239.0),
        (107.0, 174.0, 214.0),
        (33.0, 113.0, 181.0),
        (8.0, 48.0, 107.0),
    ];
    let position = share.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (position.floor() as usize).min(STOPS.len() - 2);
    let weight = position - below as f64;
    let mix = |from: f64, to: f64| (from + (to - from) * weight).round() as u8;
    let (from, to) = (STOPS[below], STOPS[below + 1]);
    Color(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Black or white, whichever reads better on `background` (by relative luminance, WCAG's formula without its gamma steps).
pub(super) fn readable_on(background: Color) -> Color {
    let luminance = 0.2126 * f64::from(background.0)
        + 0.7152 * f64::from(background.1)
        + 0.0722 * f64::from(background.2);
    if luminance > 128.0 { INK } else { WHITE }
}

/// The colour for text of a series: the same, darkened where it would be too pale to read on white.
pub(super) fn text_of(color: Color) -> Color {
    let luminance =
        0.2126 * f64::from(color.0) + 0.7152 * f64::from(color.1) + 0.0722 * f64::from(color.2);
    let factor = (100.0 / luminance.max(1.0)).min(1.0);
    let part = |value: u8| (f64::from(value) * factor).round() as u8;
    Color(part(color.0), part(color.1), part(color.2))
}
