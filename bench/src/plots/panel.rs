//! The common parts of the plots: the picture with its title and text alternative, a frame with its axes, and lines labelled at
//! their ends. Drawn at twice the displayed size, as the drawing library knows whole units only.

use std::{fmt::Write, io};

use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    },
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// Part of a picture.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

type Failure = DrawingAreaErrorKind<io::Error>;

/// The displayed width.
const WIDTH: u32 = 720;
const SCALE: u32 = 2;
/// The font sizes of the title and of the rest; the library divides a given size by 1.24.
const LARGE: f64 = 16.0 * 2.0 * 1.24;
const SMALL: f64 = 12.5 * 2.0 * 1.24;
/// The space for the labels of lines, to the right of the frame.
const NAMES: u32 = 230;
/// The minimum distance between two labels.
const LABEL_GAP: i32 = 34;

// Distinguishable with colour blindness (after Okabe and Ito), and dark enough on white for text.
pub(super) const BLUE: RGBColor = RGBColor(0, 92, 153);
pub(super) const ORANGE: RGBColor = RGBColor(179, 71, 0);
pub(super) const GREY: RGBColor = RGBColor(85, 85, 85);
const INK: RGBColor = RGBColor(32, 32, 32);
const RULE: RGBColor = RGBColor(222, 222, 222);

/// The stroke of a line, so that lines do not differ by colour alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

/// A labelled line.
#[derive(Clone)]
pub(super) struct Line {
    name: String,
    colour: RGBColor,
    stroke: Stroke,
    is_marked: bool,
    /// Sorted by x; only finite numbers.
    pub(super) points: Vec<(f64, f64)>,
}

impl Line {
    /// A line through measured points, each of them marked.
    pub(super) fn new(name: &str, colour: RGBColor, stroke: Stroke, mut points: Vec<(f64, f64)>) -> Self {
        points.retain(|(x, y)| x.is_finite() && y.is_finite() && *x >= 0.0 && *y >= 0.0);
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { name: name.to_owned(), colour, stroke, is_marked: true, points }
    }

    /// A line that was not measured.
    pub(super) fn unmarked(name: &str, colour: RGBColor, stroke: Stroke, points: Vec<(f64, f64)>) -> Self {
        Self { is_marked: false, ..Self::new(name, colour, stroke, points) }
    }

    /// Describes its points in words.
    pub(super) fn describe(&self, text: &mut String, x_unit: &str, y_unit: &str) {
        let points: Vec<_> = self.points.iter().map(|(x, y)| format!("{} at {} {x_unit}", number(*y), number(*x))).collect();
        let _ = match points.as_slice() {
            [] => write!(text, " {}: not measured.", self.name),
            points => write!(text, " {}, {y_unit}: {}.", self.name, points.join(", ")),
        };
    }
}

/// A whole picture.
pub(super) struct Picture<'a> {
    /// What it shows.
    pub(super) title: &'a str,
    /// The text alternative.
    pub(super) desc: &'a str,
    /// The machine it was measured on.
    pub(super) footer: &'a str,
    /// The displayed height.
    pub(super) height: u32,
}

impl Picture<'_> {
    /// The picture as SVG, with its own background, so that it is readable on light and dark pages.
    pub(super) fn draw(&self, contents: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> io::Result<String> {
        let (width, height) = (WIDTH * SCALE, self.height * SCALE);
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        let drawn = || {
            root.fill(&WHITE)?;
            let (upper, footer) = root.split_vertically(height.saturating_sub(56));
            footer.draw_text(self.footer, &text(SMALL * 0.88, GREY, HPos::Left, VPos::Center), (32, 20))?;
            let title = ("sans-serif", LARGE, FontStyle::Bold).into_font().color(&INK);
            upper.draw_text(self.title, &title.pos(Pos::new(HPos::Left, VPos::Top)), (32, 28))?;
            contents(&upper.split_vertically(92).1)?;
            root.present()
        };
        drawn().map_err(|error: Failure| io::Error::other(error.to_string()))?;
        drop(root);
        let start = format!(
            "<svg width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n",
            self.height
        );
        let rest = svg.split_once(">\n").map_or("", |(_, rest)| rest);
        Ok(format!("{start}<title>{}</title>\n<desc>{}</desc>\n{rest}", escape(self.title), escape(self.desc)))
    }
}

/// A frame with axes.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    /// The quantity of the y axis.
    pub(super) title: &'a str,
    /// The quantity of the x axis; empty where the frame below shows it.
    pub(super) x_title: &'a str,
    /// The approximate number of ticks on the x axis.
    pub(super) x_ticks: usize,
    /// The suffix of each number on the y axis.
    pub(super) y_unit: &'a str,
}

impl Frame<'_> {
    /// Draws the frame and the lines; without points it says so.
    pub(super) fn draw<X, Y>(&self, area: &Area<'_>, x: X, y: Y, lines: &[Line]) -> Result<(), Failure>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        if lines.iter().all(|line| line.points.is_empty()) {
            return nothing(area);
        }
        area.draw_text(self.title, &text(SMALL, INK, HPos::Left, VPos::Top), (32, 4))?;
        let mut builder = ChartBuilder::on(area);
        let below = if self.x_title.is_empty() { 44 } else { 84 };
        builder.margin_top(52).margin_right(NAMES).margin_bottom(20).x_label_area_size(below).y_label_area_size(150);
        let mut chart = builder.build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(RULE.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(2))
            .label_style(text(SMALL, INK, HPos::Left, VPos::Center))
            .axis_desc_style(text(SMALL, INK, HPos::Left, VPos::Center))
            .x_labels(self.x_ticks)
            .y_labels(6)
            .x_label_formatter(&|x| number(*x))
            .y_label_formatter(&|y| format!("{}{}", number(*y), self.y_unit))
            .x_desc(self.x_title)
            .draw()?;
        for line in lines {
            let style = line.colour.stroke_width(if line.is_marked { 5 } else { 3 });
            let (dash, gap) = match line.stroke {
                Stroke::Solid => {
                    chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
                    (0, 0)
                }
                Stroke::Dashed => (18, 12),
                Stroke::Dotted => (4, 8),
            };
            if dash > 0 {
                chart.draw_series(DashedLineSeries::new(line.points.iter().copied(), dash, gap, style))?;
            }
            let marks = line.points.iter().filter(|_| line.is_marked);
            match line.stroke {
                Stroke::Solid => chart.draw_series(marks.map(|at| Circle::new(*at, 8, line.colour.filled())))?,
                _ => chart.draw_series(
                    marks.map(|at| EmptyElement::at(*at) + Rectangle::new([(-7, -7), (7, 7)], line.colour.filled())),
                )?,
            };
        }
        let (_, ground) = chart.plotting_area().get_pixel_range();
        name_lines(area, lines, ground.end, |point| chart.backend_coord(&point).1)
    }
}

/// Writes the label of each line beside its end, none of them below the frame's bottom.
fn name_lines(area: &Area<'_>, lines: &[Line], ground: i32, height: impl Fn((f64, f64)) -> i32) -> Result<(), Failure> {
    let top = area.get_base_pixel().1;
    let mut ends: Vec<_> = lines.iter().filter_map(|line| Some((line, height(*line.points.last()?) - top))).collect();
    ends.sort_by_key(|(_, y)| *y);
    let heights = spread(&ends.iter().map(|(_, y)| *y).collect::<Vec<_>>(), ground - top);
    let left = i32::try_from(area.dim_in_pixel().0.saturating_sub(NAMES)).unwrap_or_default() + 16;
    for ((line, _), y) in ends.into_iter().zip(heights) {
        area.draw_text(&line.name, &text(SMALL, line.colour, HPos::Left, VPos::Center), (left, y))?;
    }
    Ok(())
}

/// Heights in ascending order, moved apart so that labels do not overlap, and none below `bottom`.
fn spread(heights: &[i32], bottom: i32) -> Vec<i32> {
    let mut apart: Vec<i32> = Vec::new();
    for height in heights {
        apart.push(apart.last().map_or(*height, |above| (*height).max(above + LABEL_GAP)));
    }
    let mut below = bottom + LABEL_GAP;
    for height in apart.iter_mut().rev() {
        *height = (*height).min(below - LABEL_GAP);
        below = *height;
    }
    apart
}

/// The upper and the lower part of an area.
pub(super) fn split<'a>(area: &Area<'a>) -> (Area<'a>, Area<'a>) {
    area.split_vertically(area.dim_in_pixel().1 / 2)
}

/// Shows that there is nothing to draw.
pub(super) fn nothing(area: &Area<'_>) -> Result<(), Failure> {
    let (width, height) = area.dim_in_pixel();
    let middle = [width, height].map(|side| i32::try_from(side / 2).unwrap_or_default());
    area.draw_text("Not measured", &text(SMALL, GREY, HPos::Center, VPos::Center), middle.into())
}

/// The minimum and maximum x or y of these lines; an empty range without points.
pub(super) fn bounds(lines: &[Line], of: fn((f64, f64)) -> f64) -> (f64, f64) {
    let numbers = lines.iter().flat_map(|line| line.points.iter().copied().map(of));
    numbers.fold((f64::INFINITY, 0.0), |(least, most), number| (least.min(number), most.max(number)))
}

/// The end of an axis that starts at zero, has room for this number, and is one of its ticks.
pub(super) fn above(number: f64) -> f64 {
    let decade = 10f64.powf(number.max(1.0).log10().floor());
    let steps = [0.2, 0.5, 1.0, 2.0].map(|step| step * decade);
    let step = steps.into_iter().find(|step| number <= 5.0 * step).unwrap_or(2.0 * decade);
    (number / step).ceil().max(1.0) * step
}

/// A number for readers: with thousands separators, and only significant digits.
fn number(number: f64) -> String {
    let digits = if number.fract() == 0.0 || number >= 100.0 {
        0
    } else if number >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{number:.digits$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut parts = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            parts.push(',');
        }
        parts.push(digit);
    }
    parts + fraction.trim_end_matches('0').trim_end_matches('.')
}

fn text(size: f64, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour).pos(Pos::new(horizontal, vertical))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
