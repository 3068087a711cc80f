use sd_exact::stable_diffusion;

use crate::figures::{fill, three_digits, two_digits};
use crate::problems::latents;

/// How samplers are measured.
pub fn method() -> String {
    let stds = latents().std;
    fill(
        include_str!("../../text/method.md"),
        &[
            ("latents_widest", two_digits(stds[0])),
            ("latents_narrowest", two_digits(stds[15])),
            ("top", three_digits(stable_diffusion().sigma_max())),
            ("bottom", two_digits(stable_diffusion().sigma_min())),
        ],
    )
}
