use burn::tensor::{DType, Device, Tensor};
use sd_model::Model;
use sd_samplers::Noise;

use super::{Plan, Settings};
use crate::Error;

/// Images that are drawn at once.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The settings that all of them share.
    pub settings: &'a Settings,
    /// Their plans; at least one.
    pub plans: Vec<&'a Plan>,
}

impl<'a> Batch<'a> {
    /// Checks that the plans belong to this model, and groups those that share their settings, each with its index.
    pub fn group(plans: &'a [Plan], model: &Model) -> Result<Vec<(Vec<usize>, Self)>, Error> {
        let mut groups: Vec<(Vec<usize>, Self)> = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            plan.check(model)?;
            match groups.iter_mut().find(|(_, batch)| *batch.settings == plan.settings) {
                Some((indices, batch)) => {
                    indices.push(index);
                    batch.plans.push(plan);
                }
                None => groups.push((vec![index], Self { settings: &plan.settings, plans: vec![plan] })),
            }
        }
        Ok(groups)
    }

    /// Standard normal noise to start from: the images' own latents if all have them, else the next values of `noise`.
    pub fn start(&self, noise: &mut dyn Noise, device: &Device) -> Tensor<4> {
        let given = self.plans.iter().map(|plan| Some(plan.latents.as_ref()?.tensor(device)));
        if let Some(given) = given.collect::<Option<Vec<_>>>() {
            return Tensor::cat(given, 0);
        }
        let [_, channels, height, width] = self.settings.latent_shape;
        noise.start(&Tensor::zeros([self.plans.len(), channels, height, width], (device, DType::F32)))
    }
}
