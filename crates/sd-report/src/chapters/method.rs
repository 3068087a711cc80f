use sd_exact::stable_diffusion;

use crate::figures::{fill, three_digits, two_digits};
use crate::problems::latents;

/// How it is measured.
pub fn method() -> String {
    let spreads = latents().spread;
    fill(
        include_str!("../../text/method.md"),
        &[
            ("latents_widest", two_digits(spreads[0])),
            ("latents_narrowest", two_digits(spreads[15])),
            ("top", three_digits(stable_diffusion().sigma_max())),
            ("bottom", two_digits(stable_diffusion().sigma_min())),
        ],
    )
}
