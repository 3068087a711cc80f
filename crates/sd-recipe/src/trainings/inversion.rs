use std::path::Path;
use std::slice::from_ref;

use burn::tensor::{Device, FloatDType};
use sd_clip::Tokenizer;
use sd_pipeline::{DType, Image, Model, Pipeline, Request, TextualInversion};
use sd_train::tasks::{Inverting, PseudoWord};

use super::begin::begin_in_buckets;
use super::diffusion::{captions, diffusion, sample, sample_captions};
use super::folder::{weights, weights_precision};
use super::latents::{latents, read_config};
use super::networks::Networks;
use super::new_word::NewWord;
use super::samples::draw;
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::{Recipe, RecipeError, Watch};

/// diffusers' name for the file.
const FILE: &str = "learned_embeds.safetensors";

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let (start, inversion) =
        recipe.start.as_ref().zip(recipe.inversion.as_ref()).expect("a recipe that was read has both");
    let vae = start.join("vae");
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::from_recipe(recipe)?;
    networks.check(recipe, &codec)?;
    let tokenizer = Tokenizer::from_folder(&start.join("tokenizer"))?;
    let word = NewWord::new(inversion, tokenizer, &networks.text).map_err(|reason| recipe.wrong(reason))?;
    // Frozen weights are in memory once, and not with their average and two moments.
    let count = word.vectors * networks.text.hidden_size + networks.count_weights(device) / 4;
    recipe.check_training("inversion", count, codec.latent_channels * (recipe.data.size / codec.factor()).pow(2))?;
    recipe.check_samples(&sample(recipe, 0, ""), &networks.scheduler)?;
    let precision = weights_precision(recipe)?;

    let (_lock, images) = begin_in_buckets(recipe, networks.multiple(&codec), watch)?;
    let templates = inversion.templates.as_ref().map(|templates| templates.captions(&inversion.token));
    word.check_captions(templates.as_ref().unwrap_or(&captions(&images))).map_err(|reason| recipe.wrong(reason))?;
    let data = Identity::of_buckets(&images);
    let latents = latents(recipe, "latents", &images, &data.images, &vae, device, watch)?;
    let diffusion = diffusion(recipe, &images, latents, from_ref(&word.tokenizer), &networks.scheduler);
    let (diffusion, captions) = match templates {
        Some(texts) => {
            let ids = texts.iter().map(|text| word.tokenizer.encode(text).ids).collect();
            (diffusion.with_templates(ids), texts.into_iter().cycle().take(recipe.samples.count).collect())
        }
        None => (diffusion, sample_captions(recipe, &images, watch)?),
    };
    drop(images);
    // Without autodiff, so that none of their gradients are computed.
    let networks = networks.init(recipe, device)?;
    let model = PseudoWord::new(&networks.text, &word.initial, word.vectors, &device.clone().autodiff());
    let task = Inverting::new(diffusion, networks);
    let drawer = Drawer { recipe, token: inversion.token.clone(), captions, precision, device };
    run(recipe, model, task, &drawer, data, watch)
}

/// Writes the word, and draws with it.
struct Drawer<'a> {
    recipe: &'a Recipe,
    token: String,
    captions: Vec<String>,
    /// Precision of the saved vectors.
    precision: FloatDType,
    device: &'a Device,
}

impl Product<PseudoWord> for Drawer<'_> {
    fn save(&self, model: &PseudoWord, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let (file, vectors) = (folder.join(FILE), model.vectors());
        let [_, width] = vectors.dims();
        let vectors = vec![(vectors.into_data().iter().collect(), width)];
        let word = TextualInversion { file: file.clone(), word: self.token.clone(), vectors, unread: Vec::new() };
        Ok(word.save(&file, self.precision)?)
    }

    /// Images of the captions, always with the same seeds.
    fn samples(&self, _model: &PseudoWord, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let start = self.recipe.start.as_ref().expect("a recipe that was read has one");
        let mut model = Model::open(start)?;
        model.add_word(&TextualInversion::open(&folder.join(FILE))?)?;
        let pipeline = Pipeline::load(model, self.device, DType::F32)?;
        let captions = (0..).zip(&self.captions);
        let requests: Vec<Request> = captions.map(|(seed, caption)| sample(self.recipe, seed, caption)).collect();
        draw(&pipeline, &requests, watch)
    }
}
