use sd_pipeline::{Apg, GuidanceOptions, Interval, Request};

/// A way to draw every caption.
#[derive(Clone)]
pub struct Variant {
    pub sampler: &'static str,
    pub name: &'static str,
    pub scale: f64,
    pub options: GuidanceOptions,
    /// Added to the seeds.
    pub seed: u64,
}

impl Variant {
    /// The request for a caption.
    pub fn request(&self, caption: &str, seed: u64) -> Request {
        Request {
            sampler: Some(self.sampler.parse().expect("it is in the catalogue")),
            steps: Some(20),
            guidance: Some(self.scale),
            guidance_options: self.options.clone(),
            seed: seed + self.seed,
            ..Request::new(caption)
        }
    }
}

/// All variants; the first is the model's default, against which the others are compared.
pub fn variants() -> Vec<Variant> {
    let plain = GuidanceOptions::default();
    let rescale = GuidanceOptions { rescale: 0.7, ..plain.clone() };
    let [middle, early] =
        [(0.2, 0.8), (0.0, 0.6)].map(|(from, to)| GuidanceOptions { interval: Interval { from, to }, ..plain.clone() });
    let plus_plus = GuidanceOptions { plus_plus: true, ..plain.clone() };
    let apg = Apg { eta: 0.0, norm: Some(7.5), momentum: -0.5 };
    let apg = GuidanceOptions { apg: Some(apg), ..plain.clone() };
    let [pag_1, pag_3] = [1.0, 3.0].map(|pag| GuidanceOptions { pag, ..plain.clone() });
    let rows: [(&str, &str, GuidanceOptions, &[f64]); 10] = [
        ("dpm++2m", "plain", plain.clone(), &[3.0, 1.0, 2.0, 5.0, 7.5]),
        ("dpm++2m", "rescale 0.7", rescale, &[3.0, 5.0, 7.5]),
        ("dpm++2m", "interval 0.2,0.8", middle, &[3.0, 5.0, 7.5]),
        ("dpm++2m", "interval 0,0.6", early, &[3.0, 5.0]),
        ("dpm++2m", "CFG++", plus_plus.clone(), &[0.4, 0.6, 0.8]),
        ("dpm++2m", "APG", apg, &[3.0, 5.0, 7.5, 12.0]),
        ("dpm++2m", "PAG 1", pag_1, &[1.0, 3.0]),
        ("dpm++2m", "PAG 3", pag_3, &[1.0, 3.0]),
        ("ddim", "plain", plain, &[3.0, 5.0]),
        ("ddim", "CFG++", plus_plus, &[0.2, 0.4, 0.6, 0.8, 1.0]),
    ];
    let scales = |(sampler, name, options, scales): (_, _, GuidanceOptions, &'static [f64])| {
        scales.iter().map(move |&scale| Variant { sampler, name, scale, options: options.clone(), seed: 0 })
    };
    let variants = rows.into_iter().flat_map(scales).collect::<Vec<_>>();
    // What chance does: the default with other noise.
    let chance = [1_000_000, 2_000_000].map(|seed| Variant { name: "plain, other noise", seed, ..variants[0].clone() });
    [variants, chance.to_vec()].concat()
}
