//! Compares the speed of the operators with Burn's own, on shapes of small networks and of Stable Diffusion 1.5.
//!
//! Run `cargo run --release -p sd-ops --example rates --features flex,autodiff`, with a part of a name behind `--` to select
//! shapes. Each figure is the best of many calls, ours and Burn's in turn, because other programs on the machine only slow
//! calls down.

#![allow(clippy::print_stdout, reason = "the printed table is the purpose")]

mod images;
mod tokens;

use std::time::Instant;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    images::rates(&wanted);
    tokens::rates(&wanted);
}

/// Prints our rates and Burn's, forward and both ways.
fn line(name: &str, [ours, burns]: [f64; 2], [ours_both, burns_both]: [f64; 2]) {
    println!("{name:34} forward {ours:7.1}, Burn {burns:7.1};  both ways {ours_both:7.1}, Burn {burns_both:7.1}");
}

/// Returns the shortest time of each work in seconds.
fn best(works: [&dyn Fn(); 2]) -> [f64; 2] {
    let mut least = [f64::MAX; 2];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 10 || start.elapsed().as_secs_f64() < 0.5 {
        for (work, least) in works.iter().zip(&mut least) {
            let start = Instant::now();
            work();
            *least = least.min(start.elapsed().as_secs_f64());
        }
        rounds += 1;
    }
    least
}
