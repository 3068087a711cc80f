use std::error::Error;

use sd_evaluate::{Attribute, Gaussian, Judgement, Reading};
use sd_pipeline::Request;
use sd_scenes::{Sample, Split};

use crate::model::Model;
use crate::share::{gain, percent};
use crate::variants::variants;

/// What the classifier reads in some images.
struct Found {
    /// Whether each image shows its whole caption.
    right: Vec<bool>,
    judgement: Judgement,
    features: Gaussian,
}

/// Prints the agreement with captions, and the squared Fréchet distance from renders of as many other scenes.
pub fn table(model: &Model, captions: u64) -> Result<(), Box<dyn Error>> {
    let samples = |from| Vec::from_iter((from..from + captions).map(|index| Split::HeldOut.sample(index, 0, 64)));
    let (samples, others) = (samples(0), samples(captions));
    let reference = judge(&others, model.renders(&others)).features;
    println!("{captions} held-out captions\n");
    println!("| sampler | guidance | scale | whole captions | gain | objects | colours | sides | distance |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let row = |start: &str, found: &Found, gain: &str| {
        let score = |attribute| percent(found.judgement.score(attribute));
        let [whole, objects, colours, sides] =
            [Attribute::Caption, Attribute::Object, Attribute::Colour, Attribute::Side].map(score);
        let distance = found.features.frechet(&reference);
        println!("| {start} | {whole} | {gain} | {objects} | {colours} | {sides} | {distance:.0} |");
    };
    row("| renders |", &judge(&samples, model.renders(&samples)), "");
    let mut default: Option<Vec<bool>> = None;
    for variant in variants() {
        let requests = samples.iter().zip(0..).map(|(sample, seed)| variant.request(&sample.caption, seed));
        let found = judge(&samples, model.draw(&requests.collect::<Vec<Request>>())?);
        let gained = default.as_ref().map_or(String::new(), |default| gain(&found.right, default));
        row(&format!("{} | {} | {}", variant.sampler, variant.name, variant.scale), &found, &gained);
        default.get_or_insert(found.right);
    }
    println!();
    Ok(())
}

fn judge(samples: &[Sample], read: Vec<Reading>) -> Found {
    let mut judgement = Judgement::default();
    let right = samples.iter().zip(&read).map(|(sample, reading)| {
        let before = judgement.score(Attribute::Caption).right;
        judgement.judge(&sample.facts, &reading.scene);
        judgement.score(Attribute::Caption).right > before
    });
    let right = right.collect();
    Found { right, judgement, features: Gaussian::from_rows(read.iter().map(|reading| reading.features.as_slice())) }
}
