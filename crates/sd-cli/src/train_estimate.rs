//! `sd train --dry-run`.

use sd_device::host_memory;
use sd_recipe::Estimate;
use serde_json::json;

use crate::reporter::{ProgressKind, Reporter, say};

/// Says what a training takes.
pub fn tell(estimate: &Estimate, reporter: &Reporter) {
    let Estimate { trained, images, undrawn, made, steps, batch, step_seconds, encoding_seconds, memory } = *estimate;
    if reporter.kind == ProgressKind::Json {
        return say(&json!({
            "event": "estimate", "trained": trained, "images": images, "undrawn": undrawn, "step": made, "steps": steps,
            "batch": batch, "step_seconds": step_seconds, "encoding_seconds": encoding_seconds,
            "seconds": estimate.seconds(), "memory": memory,
        }));
    }
    let epochs = steps as f64 * batch as f64 / images.max(1) as f64;
    say(&format_args!("trained  {trained} values"));
    say(&format_args!("images   {images}, each shown about {epochs:.1} times"));
    if undrawn > 0 {
        say(&format_args!("         {undrawn} images of the class are drawn before: their time is not included"));
    }
    let resumed = if made > 0 { format!(", {made} of them made") } else { String::new() };
    say(&format_args!("steps    {steps}, of {batch} images{resumed}"));
    say(&format_args!(
        "time     about {}: {} a step, {} to encode the images; samples come on top",
        spoken(estimate.seconds()),
        spoken(step_seconds),
        spoken(encoding_seconds)
    ));
    let gigabytes = |bytes: u64| format!("{:.2} GB", bytes as f64 / 1e9);
    let of = host_memory().map(|all| format!(" of {}", gigabytes(all))).unwrap_or_default();
    match memory {
        Some(bytes) => say(&format_args!("memory   about {}{of} at the peak; samples come on top", gigabytes(bytes))),
        None => say(&format_args!("memory   not reported by this system")),
    }
}

/// Returns a time as people say it.
fn spoken(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.2} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_unit() {
        let found = [0.0, 0.456, 12.3, 119.9, 150.0, 7300.0].map(spoken);
        assert_eq!(found, ["0.00 s", "0.46 s", "12 s", "120 s", "2 min", "2.0 h"]);
    }
}
