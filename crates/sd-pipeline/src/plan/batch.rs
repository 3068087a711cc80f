use std::mem::{Discriminant, discriminant};

use sd_model::Model;

use super::{Plan, Settings};
use crate::Error;
use crate::edit::Init;

/// Images that are drawn at once.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// The settings that all of them share.
    pub settings: &'a Settings,
    /// Their plans; at least one. All start alike: from noise, or from an image, or from latents; with a mask or without.
    /// Their prompts have the same number of parts, with the same weights. It is one plan if the sampler is adaptive.
    pub plans: Vec<&'a Plan>,
}

impl<'a> Batch<'a> {
    /// Checks that the plans belong to this model, and groups those that can be drawn at once, each with its index.
    pub fn group(plans: &'a [Plan], model: &Model) -> Result<Vec<(Vec<usize>, Self)>, Error> {
        let mut groups: Vec<(Vec<usize>, Self)> = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            plan.check(model)?;
            let parts = plan.part_weights();
            // It would divide its steps for all images at once, and an image must not depend on the others.
            let is_alone = plan.settings.sampling.sampler(model.scheduler())?.is_adaptive();
            let is_alike = |batch: &Self| {
                let first = batch.plans[0];
                !is_alone
                    && *batch.settings == plan.settings
                    && start_kind(first) == start_kind(plan)
                    && first.part_weights() == parts
            };
            match groups.iter_mut().find(|(_, batch)| is_alike(batch)) {
                Some((indices, batch)) => {
                    indices.push(index);
                    batch.plans.push(plan);
                }
                None => groups.push((vec![index], Self { settings: &plan.settings, plans: vec![plan] })),
            }
        }
        Ok(groups)
    }

    /// A part of every plan, if all have it.
    pub fn all<T>(&self, part: impl Fn(&'a Plan) -> Option<T>) -> Option<Vec<T>> {
        self.plans.iter().map(|plan| part(plan)).collect()
    }
}

/// The kind of start of a drawing, and whether it has a mask.
fn start_kind(plan: &Plan) -> (Option<Discriminant<Init>>, bool) {
    (plan.init.as_ref().map(discriminant), plan.mask.is_some())
}
