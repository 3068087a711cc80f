//! Plots as SVG.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

/// A line of a plot.
pub(super) struct Line {
    /// Its name.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A plot before it is drawn.
pub(super) struct Plot<'a> {
    /// Its title.
    pub title: &'a str,
    /// The names of its horizontal and its vertical axis.
    pub axes: [&'a str; 2],
    /// Its lines, each in a colour of its own.
    pub lines: &'a [Line],
    /// Heights and names of horizontal grey lines.
    pub marks: &'a [(f64, &'static str)],
}

/// Okabe and Ito's colours, which are distinct for the colour-blind, and a grey.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(200, 190, 30),
    RGBColor(130, 130, 130),
];
const GRID: RGBColor = RGBColor(238, 238, 238);
const MARK: RGBColor = RGBColor(120, 120, 120);
const FONT: (&str, i32) = ("sans-serif", 17);

type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Plot<'_> {
    /// Draws the plot with shares, 0 to 1, on its vertical axis.
    pub fn shares(&self) -> String {
        self.svg(|root| {
            let (left, right) = self.sides();
            self.draw_on(root, left..right + (right - left) * 0.28, 0.0..1.005, &|share| {
                format!("{:.0} %", 100.0 * share)
            })
        })
    }

    /// Draws the plot with both axes logarithmic.
    pub fn logarithmic(&self) -> String {
        self.svg(|root| {
            let (left, right) = self.sides();
            let heights = || {
                let points = self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
                points.chain(self.marks.iter().map(|mark| mark.0)).filter(|height| *height > 0.0)
            };
            let (least, most) = (heights().reduce(f64::min).unwrap_or(1.0), heights().reduce(f64::max).unwrap_or(1.0));
            let keys: Vec<f64> = (-9..9).flat_map(|e| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(e))).collect();
            let low = keys.iter().copied().rfind(|key| *key <= least).unwrap_or(least / 2.0);
            let high = keys.iter().copied().find(|key| *key >= most.max(2.0 * low)).unwrap_or(most);
            let across = (left * 0.93..right * 1.9).log_scale().with_key_points(keys.clone());
            let up = (low..high).log_scale().with_key_points(keys);
            self.draw_on(root, across, up, &|distance| format!("{distance}"))
        })
    }

    /// The least and the greatest horizontal position.
    fn sides(&self) -> (f64, f64) {
        let across = || self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.0));
        let left = across().fold(f64::INFINITY, f64::min);
        if left.is_finite() { (left, across().fold(left + 1.0, f64::max)) } else { (1.0, 2.0) }
    }

    fn svg(&self, draw: impl Fn(&DrawingArea<SVGBackend, Shift>) -> Drawn) -> String {
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
        draw(&root).expect("drawing into a string does not fail");
        drop(root);
        svg
    }

    fn draw_on<X, Y>(
        &self,
        root: &DrawingArea<SVGBackend, Shift>,
        across: X,
        up: Y,
        label: &dyn Fn(&f64) -> String,
    ) -> Drawn
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(root)
            .margin(14)
            .caption(self.title, ("sans-serif", 21))
            .x_label_area_size(50)
            .y_label_area_size(80)
            .build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .x_desc(self.axes[0])
            .y_desc(self.axes[1])
            .axis_desc_style(FONT)
            .label_style(FONT)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|x| format!("{x}"))
            .y_label_formatter(&label)
            .draw()?;
        let (left, right) = self.sides();
        for (height, text) in self.marks.iter().filter(|mark| mark.0 > 0.0) {
            chart.draw_series(LineSeries::new([(left, *height), (right, *height)], MARK))?;
            chart.draw_series([Text::new(*text, (right * 1.03, *height), FONT.into_font().color(&MARK))])?;
        }
        for (line, colour) in self.lines.iter().zip(COLOURS.into_iter().cycle()) {
            let series = chart.draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?;
            let legend = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2));
            series.label(&line.name).legend(legend);
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        let place = SeriesLabelPosition::UpperRight;
        chart.configure_series_labels().position(place).background_style(WHITE).label_font(FONT).draw()?;
        root.present()?;
        Ok(())
    }
}
