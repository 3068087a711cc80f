use plotters::prelude::*;

use crate::metrics::Line;

const CURVE: RGBColor = RGBColor(0, 114, 178);
const EACH: RGBColor = RGBColor(200, 216, 228);
const GRID: RGBColor = RGBColor(238, 238, 238);
const FONT: (&str, i32) = ("sans-serif", 17);

/// Plots the loss against the steps as SVG: the lines of the metrics in grey, and their running mean over them.
pub fn loss_plot(lines: &[Line]) -> String {
    let mut svg = String::new();
    draw(&mut svg, lines).expect("drawing into a string does not fail");
    svg
}

fn draw(svg: &mut String, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let each: Vec<(f64, f64)> = lines.iter().map(|line| (line.step as f64, line.loss.max(f64::MIN_POSITIVE))).collect();
    let mean = running_mean(&each);
    let ends = |values: &[(f64, f64)]| {
        values.iter().fold((f64::MAX, 0.0_f64), |(low, high), (_, loss)| (low.min(*loss), high.max(*loss)))
    };
    let ((low, _), (_, high)) = (ends(&each), ends(&mean));
    let (low, high) = if low < high { (0.9 * low, 1.1 * high) } else { (0.5, 2.0) };
    let root = SVGBackend::with_string(svg, (720, 440)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .x_label_area_size(50)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..each.last().map_or(1.0, |(step, _)| *step), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("steps")
        .y_desc("loss")
        .axis_desc_style(FONT)
        .label_style(FONT)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|step| format!("{step}"))
        .y_label_formatter(&|loss| format!("{}", (loss * 1e4).round() / 1e4))
        .draw()?;
    let within = each.into_iter().map(|(step, loss)| (step, loss.min(high)));
    chart.draw_series(LineSeries::new(within, EACH))?;
    chart.draw_series(LineSeries::new(mean, CURVE.stroke_width(2)))?;
    root.present()?;
    Ok(())
}

/// Returns at each point the mean of the last fiftieth of all points, so that noise does not hide the slope.
fn running_mean(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let width = (points.len() / 50).max(1);
    let mean = |last: &[(f64, f64)]| last.iter().map(|(_, loss)| loss).sum::<f64>() / last.len() as f64;
    (0..points.len()).map(|i| (points[i].0, mean(&points[(i + 1).saturating_sub(width)..=i]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_drawn_of_any_number_of_lines() {
        for count in [0, 1, 200] {
            let line = |step| Line { step, loss: 1.0 / step as f64, gradient_norm: 0.0, rate: 0.0, seconds: 0.0 };
            let lines: Vec<Line> = (1..=count).map(line).collect();
            assert!(loss_plot(&lines).contains("</svg>"));
        }
    }

    #[test]
    fn the_mean_is_of_the_last_points() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), f64::from(i))).collect();
        assert_eq!(running_mean(&points)[98..], [(98.0, 97.5), (99.0, 98.5)]);
    }
}
