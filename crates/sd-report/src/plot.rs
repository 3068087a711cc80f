//! Plots, both axes logarithmic, as SVG.

use plotters::prelude::*;

/// A line of a plot.
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// Its points: network calls and errors.
    pub points: Vec<(f64, f64)>,
}

/// A plot before anything is drawn.
pub struct Plot<'a> {
    /// Its title.
    pub title: &'a str,
    /// The name of its vertical axis.
    pub measure: &'a str,
    /// All lines of its kind. They determine the range, so that plots can be compared.
    pub lines: &'a [Line],
    /// Where the names are, if there are several.
    pub legend: SeriesLabelPosition,
}

/// Okabe and Ito's colours, which are distinct for the colour-blind.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
const OTHERS: RGBColor = RGBColor(214, 214, 214);
const GRID: RGBColor = RGBColor(238, 238, 238);
const GUIDE: RGBColor = RGBColor(120, 120, 120);
const CALLS: std::ops::Range<f64> = 3.8..220.0;
const FONT: (&str, i32) = ("sans-serif", 17);

impl Plot<'_> {
    /// Draws the named lines in colour, all others in light grey beneath them, and guides for the orders 1 and 2.
    ///
    /// # Panics
    ///
    /// Panics if there are more names than colours.
    pub fn draw(&self, names: &[&str]) -> String {
        assert!(names.len() <= COLOURS.len(), "{} lines, but {} colours", names.len(), COLOURS.len());
        let mut svg = String::new();
        self.draw_on(&mut svg, names).expect("drawing into a string does not fail");
        svg
    }

    fn draw_on(&self, svg: &mut String, names: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, (720, 440)).into_drawing_area();
        root.fill(&WHITE)?;
        let (low, high) = self.range();
        let calls = CALLS.log_scale().with_key_points(vec![5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .caption(self.title, ("sans-serif", 21))
            .x_label_area_size(50)
            .y_label_area_size(80)
            .build_cartesian_2d(calls, (low..high).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("network calls")
            .y_desc(self.measure)
            .axis_desc_style(FONT)
            .label_style(FONT)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|calls| format!("{calls}"))
            .y_label_formatter(&|error| if *error < 0.001 { format!("{error:e}") } else { format!("{error}") })
            .draw()?;
        for line in self.lines.iter().filter(|line| !names.contains(&line.name)) {
            chart.draw_series(LineSeries::new(line.points.iter().copied(), OTHERS))?;
        }
        let from = (40.0_f64, 0.6 * high);
        for (text, order) in [("order 1", 1), ("order 2", 2)] {
            let to = (120.0, from.1 * (from.0 / 120.0).powi(order));
            chart.draw_series(LineSeries::new([from, to], GUIDE))?;
            chart.draw_series([Text::new(text, (124.0, to.1), FONT.into_font().color(&GUIDE))])?;
        }
        for (name, colour) in names.iter().zip(COLOURS) {
            let line = self.lines.iter().find(|line| line.name == *name).expect("a line of that name");
            let series = chart.draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?;
            series.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        if names.len() > 1 {
            let place = self.legend.clone();
            chart.configure_series_labels().position(place).background_style(WHITE).label_font(FONT).draw()?;
        }
        root.present()?;
        Ok(())
    }

    /// The range of the errors of all lines, extended to powers of ten.
    fn range(&self) -> (f64, f64) {
        let errors = || self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.1.log10()));
        let (low, high) = (errors().fold(f64::INFINITY, f64::min), errors().fold(f64::NEG_INFINITY, f64::max));
        (10_f64.powf(low.floor()), 10_f64.powf(high.ceil()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_plot_is_that_of_all_its_lines() {
        let line = |name, error| Line { name, points: vec![(5.0, error), (50.0, error / 100.0)] };
        let (low, high) = Plot {
            title: "",
            measure: "",
            lines: &[line("a", 0.5), line("b", 30.0)],
            legend: SeriesLabelPosition::LowerLeft,
        }
        .range();
        assert!((low / 1e-3 - 1.0).abs() < 1e-12 && (high / 100.0 - 1.0).abs() < 1e-12, "{low} to {high}");
    }
}
