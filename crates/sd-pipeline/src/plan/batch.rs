use super::{Plan, Settings};
use crate::Error;
use crate::model::Model;

/// Images that are drawn at once, of one model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// What all of them have in common.
    pub settings: &'a Settings,
    /// Each of them; at least one.
    pub plans: &'a [Plan],
}

impl<'a> Batch<'a> {
    /// Checks that the plans are of this model, and share their settings; none where there are no plans.
    pub fn new(plans: &'a [Plan], model: &Model) -> Result<Option<Self>, Error> {
        let Some(Plan { settings, .. }) = plans.first() else { return Ok(None) };
        if plans.iter().any(|plan| plan.settings != *settings) {
            return Err(Error::Request("images of a batch share all but prompt, seed and latents".into()));
        }
        plans.iter().try_for_each(|plan| plan.check(model))?;
        Ok(Some(Self { settings, plans }))
    }

    /// One image.
    pub fn of_one(plan: &'a Plan, model: &Model) -> Result<Self, Error> {
        plan.check(model)?;
        Ok(Self { settings: &plan.settings, plans: std::slice::from_ref(plan) })
    }
}
