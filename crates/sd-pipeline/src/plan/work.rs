use sd_guidance::is_composed;
use sd_model::Model;
use sd_unet::Work;

use super::Plan;
use crate::reuse::Text;
use crate::{Arithmetic, Error};

impl Plan {
    /// Counts the multiplications of the network for the image, plainly and with what is reused; none for models that read no text.
    /// Every text is counted with 77 tokens, and control networks are not.
    ///
    /// # Errors
    ///
    /// As [`calls`](Self::calls).
    pub fn arithmetic(&self, model: &Model) -> Result<Option<Arithmetic>, Error> {
        let of_calls = self.arithmetic_of_calls(model)?;
        let sum = |of: fn(&Arithmetic) -> f64| of_calls.iter().map(of).sum();
        let all = Arithmetic { plain: sum(|call| call.plain), reused: sum(|call| call.reused) };
        Ok((!of_calls.is_empty()).then_some(all))
    }

    /// The share of the arithmetic that is done after each call, above 0, up to 1; empty for models that read no text.
    pub(crate) fn done_after_calls(&self, model: &Model) -> Result<Vec<f64>, Error> {
        let of_calls = self.arithmetic_of_calls(model)?;
        let all: f64 = of_calls.iter().map(|call| call.reused).sum();
        let until = of_calls.iter().scan(0.0, |done, call| {
            *done += call.reused;
            Some(*done / all)
        });
        Ok(until.collect())
    }

    /// What each call computes; empty for models that read no text.
    fn arithmetic_of_calls(&self, model: &Model) -> Result<Vec<Arithmetic>, Error> {
        let Some(unet) = model.unet() else { return Ok(Vec::new()) };
        let (settings, reuse, calls) = (&self.settings, self.settings.reuse(), self.calls(model)?);
        let [_, _, height, width] = settings.latent_shape;
        let plain = Work { size: (height, width), tokens: 77, branch: None, reads_text: true, merge_tokens: 0.0 };
        let (guidance, composed) = (settings.guidance(), is_composed(self.part_weights()));
        let more_prompts = self.part_weights().len() + settings.regions.len() - 1;
        let (mut turns, of_row) = (settings.turns(model)?, unet.multiplications(&plain));
        let of_call = |call| {
            // Samplers with several calls in a step make about as many in each.
            let level = settings.sampling.made.start + call * settings.sampling.made.len() / calls;
            let step = settings.sampling.step(level);
            let roles = guidance.roles(&step, composed);
            let turn = turns.next(&step, &roles, guidance.scale_at(&step, composed));
            let rows = (roles.len() + more_prompts) as f64;
            let is_prompt_alone = turn.text == Text::Take || turn.repeats_guidance;
            let work = Work {
                branch: reuse.deep_cache.filter(|_| !turn.is_full()).map(|cache| cache.branch),
                reads_text: turn.text != Text::Take,
                merge_tokens: reuse.merge_tokens.unwrap_or_default(),
                ..plain
            };
            let reused = if is_prompt_alone { 1.0 } else { rows } * unet.multiplications(&work);
            Arithmetic { plain: rows * of_row, reused }
        };
        Ok((0..calls).map(of_call).collect())
    }
}
