use super::Job;
use crate::Kind;

impl Job {
    /// All names of files in the job, outside its texts, each with what it should be.
    pub fn names_mut(&mut self) -> Vec<(Kind, &mut String)> {
        let of = |kind: Kind| move |name| (kind, name);
        let models = self.model.iter_mut().map(of(Kind::Model));
        let vaes = self.vae.iter_mut().map(of(Kind::Vae));
        let loras = self.loras.iter_mut().map(|lora| (Kind::Lora, &mut lora.name));
        let embeddings = self.embeddings.iter_mut().map(|embedding| (Kind::Embedding, &mut embedding.name));
        let controls = self.controls.iter_mut().map(of(Kind::Control));
        let adapters = self.image_adapters.iter_mut();
        let adapters = adapters.flat_map(|adapter| [&mut adapter.name].into_iter().chain(&mut adapter.encoder));
        let hires = self.hires.iter_mut().filter(|hires| hires.library_upscaler().is_none());
        let refiners = self.refiner.iter_mut().map(|refiner| (Kind::Model, &mut refiner.model));
        models
            .chain(vaes)
            .chain(loras)
            .chain(embeddings)
            .chain(controls)
            .chain(adapters.map(of(Kind::Control)))
            .chain(hires.map(|hires| (Kind::Upscaler, &mut hires.upscaler)))
            .chain(refiners)
            .collect()
    }
}
