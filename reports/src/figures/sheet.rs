//! A backend of plotters that writes SVG as a report wants it: relative paths, paint with an opacity of its own, and marks
//! that say which seed they are.

use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind,
};

use super::color::{Color, hexadecimal};
use super::mark::Mark;

/// Side of the square that units may lie in: far outside any figure.
const SIDE: u32 = 1 << 24;

/// Elements of one layer, written one after the other.
pub(super) struct Sheet<'a> {
    out: &'a mut String,
    mark: Option<&'a Mark<'a>>,
}

impl<'a> Sheet<'a> {
    /// A sheet that appends to `out`; its elements bear `mark`.
    pub(super) fn new(out: &'a mut String, mark: Option<&'a Mark<'a>>) -> Self {
        Self { out, mark }
    }

    fn close(&mut self, element: &str) {
        match self.mark {
            Some(mark) => mark.write(self.out, element),
            None => self.out.push_str("/>"),
        }
    }

    /// ` fill="#rrggbb"`, and the opacity where there is one: that of the paint asks a renderer for no sheet of its own.
    fn paint(&mut self, attribute: &str, color: BackendColor) {
        let (red, green, blue) = color.rgb;
        let _ = write!(
            self.out,
            " {attribute}=\"{}\"",
            hexadecimal(Color(red, green, blue))
        );
        if color.alpha < 1.0 {
            let _ = write!(self.out, " {attribute}-opacity=\"{}\"", color.alpha);
        }
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Sheet<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (SIDE, SIDE)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.fill_polygon(
            [
                point,
                (point.0 + 1, point.1),
                (point.0 + 1, point.1 + 1),
                (point.0, point.1 + 1),
            ],
            &color,
        )
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.out.push_str("<path d=\"");
        trace(self.out, path);
        self.out.push_str("\" fill=\"none\"");
        self.paint("stroke", style.color());
        let _ = write!(self.out, " stroke-width=\"{}\"", style.stroke_width());
        self.close("path");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.out.push_str("<path d=\"");
        trace(self.out, corners);
        self.out.push_str("z\"");
        self.paint("fill", style.color());
        self.close("path");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let _ = write!(
            self.out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"",
            center.0, center.1
        );
        if fill {
            self.paint("fill", style.color());
        } else {
            self.out.push_str(" fill=\"none\"");
            self.paint("stroke", style.color());
        }
        self.close("circle");
        Ok(())
    }
}

/// The path through `points`: the first absolute, the others relative, which is half as long.
fn trace(out: &mut String, points: impl IntoIterator<Item = BackendCoord>) {
    let mut before: Option<BackendCoord> = None;
    for (x, y) in points {
        match before {
            None => {
                out.push('M');
                number(out, x);
                out.push(' ');
                number(out, y);
                out.push('l');
            }
            Some((left, top)) => {
                let (across, down) = (x.saturating_sub(left), y.saturating_sub(top));
                if !out.ends_with('l') && across >= 0 {
                    out.push(' ');
                }
                number(out, across);
                if down >= 0 {
                    out.push(' ');
                }
                number(out, down);
            }
        }
        before = Some((x, y));
    }
}

/// A whole number; `write!` takes three times as long.
fn number(out: &mut String, value: i32) {
    let mut digits = [0_u8; 10];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}
