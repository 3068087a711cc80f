mod adapter;
mod net;
mod prompt;
mod rows;

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_model::{Components, Control, ControlFile, Model};
use sd_preprocess::HintImage;
use sd_unet::{Conditions, Residuals};

use self::adapter::Adapter;
use self::net::{Net, NetHint};
use self::prompt::Prompt;
use self::rows::Rows;
use super::texts::Slot;
use crate::control::Hint;
use crate::plan::Settings;
use crate::{Error, Field, Mask};

/// The images that steer a drawing, as its networks read them: made once, before the first step.
pub(crate) struct Steering {
    /// The levels at which steps begin.
    made: Range<usize>,
    nets: Vec<Net>,
    adapters: Vec<Adapter>,
    prompts: Vec<Prompt>,
}

impl Steering {
    /// Runs what runs once: the networks' first layers, adapters, and the image encoders.
    pub fn new(settings: &Settings, model: &Model, components: &Components, device: &Device) -> Result<Self, Error> {
        let mut steering =
            Self { made: settings.sampling.made.clone(), nets: Vec::new(), adapters: Vec::new(), prompts: Vec::new() };
        for hint in settings.hints.iter().filter(|hint| hint.control.scale != 0.0) {
            let Some(network) = components.controls.get(hint.control.network) else {
                return Err(Error::request(Field::Control, "names a network that is not among the loaded components"));
            };
            let file = &model.controls()[hint.control.network];
            steering.add(hint, network, file, settings.guess_mode, device);
        }
        for planned in settings.image_prompts.iter().filter(|planned| planned.prompt.scale != 0.0) {
            steering.prompts.push(Prompt::new(&planned.prompt, model, components, settings.latent_shape, device)?);
        }
        Ok(steering)
    }

    fn add(&mut self, hint: &Hint, network: &Arc<Control>, file: &ControlFile, is_guessing: bool, device: &Device) {
        let (window, mode, scale) = (hint.control.window(), hint.control.mode, hint.control.scale);
        let x = values(hint, file.hint_channels(), device);
        match &**network {
            Control::Adapter(adapter) => {
                let features =
                    adapter.forward(x.cast(adapter.dtype())).into_iter().map(|feature| feature * scale).collect();
                self.adapters.push(Adapter { features, window, mode });
            }
            Control::Net(net) => {
                let embedded = sd_unet::Hint::new(net.embed(x.cast(net.dtype())));
                let embedded = match hint.kind {
                    Some(kind) => embedded.with_kind(kind),
                    None => embedded,
                };
                let hint = NetHint { hint: embedded, scale, window };
                let is_same = |known: &&mut Net| {
                    Arc::ptr_eq(&known.network, network) && hint.hint.kind.is_some() && known.mode == mode
                };
                match self.nets.iter_mut().find(is_same) {
                    Some(known) => known.hints.push(hint),
                    None => self.nets.push(Net {
                        network: network.clone(),
                        hints: vec![hint],
                        mode,
                        is_guessing,
                        is_pooled: file.averages(),
                    }),
                }
            }
        }
    }

    /// Which adapters and image prompts have an effect in the step that begins at this level.
    pub fn active(&self, level: usize) -> Vec<bool> {
        let windows = self.adapters.iter().map(|adapter| adapter.window);
        let windows = windows.chain(self.prompts.iter().map(|prompt| prompt.window));
        windows.map(|window| window.has(level, &self.made)).collect()
    }

    /// Which images of any kind have an effect in the step that begins at this level.
    pub fn windows(&self, level: usize) -> Vec<bool> {
        let hints = self.nets.iter().flat_map(|net| &net.hints).map(|hint| hint.window.has(level, &self.made));
        self.active(level).into_iter().chain(hints).collect()
    }

    /// Adds what does not depend on the noisy image to the conditions of a call with these slots.
    pub fn conditions(&self, conditions: Conditions, slots: &[Slot], level: usize) -> Conditions {
        let mut features: Vec<Tensor<4>> = Vec::new();
        for adapter in self.adapters.iter().filter(|adapter| adapter.window.has(level, &self.made)) {
            let rows = adapter.rows(slots);
            features = match features.is_empty() {
                true => rows,
                false => features.into_iter().zip(rows).map(|(sum, feature)| sum + feature).collect(),
            };
        }
        let prompts = self.prompts.iter().filter(|prompt| prompt.window.has(level, &self.made));
        conditions.with_features(features).with_images(prompts.map(|prompt| prompt.rows(slots)).collect())
    }

    /// The sum of what the control networks add to a call of the U-Net; none if no network has an effect.
    ///
    /// # Shapes
    ///
    /// - x: `[rows, channels, height, width]`, as the U-Net reads it
    /// - conditions: those of the same rows, without what steers
    pub fn residuals(
        &self,
        x: &Tensor<4>,
        t: &[f64],
        slots: &[Slot],
        conditions: &Conditions,
        level: usize,
    ) -> Option<Residuals> {
        let rows = Rows { x, t, slots, conditions };
        let residuals = |net: &Net| {
            let active = net.hints.iter().filter(|hint| hint.window.has(level, &self.made));
            net.residuals(&rows, &active.collect::<Vec<_>>())
        };
        self.nets.iter().filter_map(residuals).reduce(Residuals::plus)
    }
}

/// The values of an image for a network, `[1, channels, height, width]`: from 0 to 1, or −1 in holes.
fn values(hint: &Hint, channels: usize, device: &Device) -> Tensor<4> {
    let Hint { image, holes, .. } = hint;
    let planes = match channels {
        1 => Mask::from_luma(image).values.iter().map(|value| f32::from(*value) / 255.0).collect(),
        _ => HintImage { image: image.clone(), mask: holes.clone() }.to_planes(),
    };
    let shape = [1, channels, image.height, image.width];
    Tensor::from_data(TensorData::new(planes, shape), (device, DType::F32))
}
