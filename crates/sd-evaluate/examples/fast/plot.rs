//! Error over cost, as SVG.

use std::error::Error;

use plotters::prelude::*;

/// A way to draw, with its share of the plain arithmetic and its distance from the converged images.
pub struct Point {
    pub group: &'static str,
    pub name: String,
    pub cost: f64,
    pub error: f64,
}

/// Okabe and Ito's colours, which are distinct for the colour-blind, and a grey.
const COLOURS: [RGBColor; 9] = [
    RGBColor(0, 0, 0),
    RGBColor(130, 130, 130),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(200, 190, 30),
];
const FONT: (&str, i32) = ("sans-serif", 15);

/// Draws all points; those that nothing beats in both are named, where there is room.
pub fn svg(points: &[Point]) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (900, 560)).into_drawing_area();
        root.fill(&WHITE)?;
        let most = points.iter().map(|point| point.error).fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .caption("What less arithmetic costs", ("sans-serif", 21))
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.05, 0.0..1.05 * most)?;
        chart
            .configure_mesh()
            .x_desc("share of the plain arithmetic")
            .y_desc("distance from the converged images")
            .axis_desc_style(FONT)
            .label_style(FONT)
            .bold_line_style(RGBColor(238, 238, 238))
            .light_line_style(TRANSPARENT)
            .draw()?;
        let mut groups: Vec<&str> = points.iter().map(|point| point.group).collect();
        groups.dedup();
        for (group, colour) in groups.into_iter().zip(COLOURS) {
            let of_group = points.iter().filter(|point| point.group == group);
            let circles = of_group.map(|point| Circle::new((point.cost, point.error), 5, colour.filled()));
            let legend = move |(x, y)| Circle::new((x + 8, y), 5, colour.filled());
            chart.draw_series(circles)?.label(group).legend(legend);
        }
        let is_beaten =
            |point: &Point| points.iter().any(|other| other.cost < point.cost - 1e-9 && other.error < point.error);
        let mut named: Vec<&Point> = Vec::new();
        for point in points.iter().filter(|point| !is_beaten(point)) {
            let is_near = |other: &&Point| {
                (point.cost - other.cost).abs() < 0.2 && (point.error - other.error).abs() < 0.03 * most
            };
            if !named.iter().any(is_near) {
                named.push(point);
            }
        }
        chart.draw_series(named.into_iter().map(|point| {
            let name = point.name.replace('`', "");
            EmptyElement::at((point.cost, point.error)) + Text::new(name, (9, -15), ("sans-serif", 13))
        }))?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .label_font(FONT)
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        root.present()?;
    }
    Ok(svg)
}
