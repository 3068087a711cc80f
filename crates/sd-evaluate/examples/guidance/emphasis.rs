use std::error::Error;

use sd_evaluate::{Attribute, Judgement};
use sd_pipeline::{Request, Syntax};
use sd_scenes::{CaptionFacts, Colour, Sample, Split};

use crate::model::Model;
use crate::share::{gain, percent};

/// A held-out caption, and an object whose colour is a word that occurs once in it.
struct Coloured {
    caption: String,
    facts: CaptionFacts,
    object: CaptionFacts,
    colour: Colour,
}

/// Prints how often an object has the colour of its caption, against the weight of the colour's word.
pub fn table(model: &Model, captions: u64) -> Result<(), Box<dyn Error>> {
    let samples = (0..).map(|index| Split::HeldOut.sample(index, 0, 64));
    let coloured: Vec<Coloured> = samples.filter_map(Coloured::find).take(captions as usize).collect();
    println!("{captions} held-out captions with a colour\n");
    println!("| guidance | syntax | weight | objects | their colour | gain | colour, if red | whole captions |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for guidance in [3.0, 1.0] {
        rows(model, &coloured, guidance)?;
    }
    println!();
    Ok(())
}

fn rows(model: &Model, coloured: &[Coloured], guidance: f64) -> Result<(), Box<dyn Error>> {
    let weighted = |syntax| [0.7, 1.3, 1.6, 2.0].map(|weight| (syntax, weight));
    let weighted = [Syntax::A1111, Syntax::Comfy].map(weighted);
    let mut unweighted: Option<Vec<bool>> = None;
    for (syntax, weight) in [(Syntax::Plain, 1.0)].into_iter().chain(weighted.into_iter().flatten()) {
        let requests = coloured.iter().zip(0..).map(|(coloured, seed)| Request {
            guidance: Some(guidance),
            seed,
            ..coloured.request(syntax, weight)
        });
        let read = model.draw(&requests.collect::<Vec<Request>>())?;
        let [mut all, mut red, mut whole] = [(); 3].map(|()| Judgement::default());
        let mut right = Vec::new();
        for (coloured, reading) in coloured.iter().zip(read) {
            let before = all.score(Attribute::Colour).right;
            all.judge(&coloured.object, &reading.scene);
            right.push(all.score(Attribute::Colour).right > before);
            whole.judge(&coloured.facts, &reading.scene);
            if coloured.colour == Colour::Red {
                red.judge(&coloured.object, &reading.scene);
            }
        }
        let [objects, colour] = [Attribute::Object, Attribute::Colour].map(|attribute| percent(all.score(attribute)));
        let [red, whole] = [red.score(Attribute::Colour), whole.score(Attribute::Caption)].map(percent);
        let gained = unweighted.as_ref().map_or(String::new(), |unweighted| gain(&right, unweighted));
        println!("| {guidance} | {syntax} | {weight} | {objects} | {colour} | {gained} | {red} | {whole} |");
        unweighted.get_or_insert(right);
    }
    Ok(())
}

impl Coloured {
    fn find(sample: Sample) -> Option<Self> {
        let once = |colour: Colour| sample.caption.split(' ').filter(|word| *word == colour.name()).count() == 1;
        let (object, colour) = sample.facts.objects.iter().find_map(|object| {
            let colour = object.colour.filter(|colour| once(*colour))?;
            Some((CaptionFacts { objects: vec![*object], ..CaptionFacts::default() }, colour))
        })?;
        Some(Self { caption: sample.caption, facts: sample.facts, object, colour })
    }

    fn request(&self, syntax: Syntax, weight: f64) -> Request {
        let weighted = |word: &str| match word == self.colour.name() && syntax != Syntax::Plain {
            true => format!("({word}:{weight})"),
            false => word.to_owned(),
        };
        let prompt = self.caption.split(' ').map(weighted).collect::<Vec<_>>().join(" ");
        let sampler = Some("dpm++2m".parse().expect("it is in the catalogue"));
        Request { prompt_syntax: syntax, sampler, steps: Some(20), ..Request::new(prompt) }
    }
}
