use sd_guidance::{Role, Step};

use super::{DeepCacheError, Reuse};

/// What each call of the network computes, call by call.
#[derive(Debug)]
pub(crate) struct Turns {
    reuse: Reuse,
    /// The calls that compute all of the network.
    full: Vec<usize>,
    call: usize,
    /// The last call with guidance, and its scale.
    guided: Option<(usize, Option<f64>)>,
    /// The last call that computed all of the network for the negative prompt, too.
    guided_in_full: Option<usize>,
}

/// What a call of the network computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The number of the call, from 0.
    pub call: usize,
    /// The last call that computed all of the network: this one, or one whose deep features are taken.
    pub since: usize,
    /// What the call does with the text.
    pub text: Text,
    /// Whether the prompt alone is predicted, and what guidance added last is added again.
    pub repeats_guidance: bool,
}

/// What a call does with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// Reads it.
    Read,
    /// Reads it, and keeps the outputs of the cross-attention.
    Keep,
    /// Takes the outputs that were kept.
    Take,
}

impl Turns {
    /// For so many calls; there may be more.
    ///
    /// # Errors
    ///
    /// As [`DeepCache::full_calls`](super::DeepCache::full_calls).
    pub fn new(reuse: Reuse, calls: usize) -> Result<Self, DeepCacheError> {
        let reuse = reuse.effective();
        let full = reuse.deep_cache.map_or(Ok(Vec::new()), |cache| cache.full_calls(calls))?;
        Ok(Self { reuse, full, call: 0, guided: None, guided_in_full: None })
    }

    /// The next call, in a step with these roles and this scale of guidance.
    pub fn next(&mut self, step: &Step, roles: &[Role], scale: Option<f64>) -> Turn {
        let call = self.call;
        self.call += 1;
        let text = self.text(step);
        let is_recent = |every| self.guided.is_some_and(|(at, known)| call - at < every && known == scale);
        let is_guided = roles.len() > 1 && text != Text::Take;
        let repeats_guidance = is_guided && text == Text::Read && self.reuse.guidance_every.is_some_and(is_recent);
        if is_guided && !repeats_guidance {
            self.guided = Some((call, scale));
        }
        // What is kept of the text is that of all layers.
        let mut since = if text == Text::Keep { call } else { self.since(call) };
        if is_guided && !repeats_guidance {
            // The last full call may have been for the prompt alone.
            if self.guided_in_full.is_none_or(|full| full < since) {
                since = call;
            }
            if since == call {
                self.guided_in_full = Some(call);
            }
        }
        Turn { call, since, text, repeats_guidance }
    }

    /// Whether any call repeats guidance.
    pub fn repeats_guidance(&self) -> bool {
        self.reuse.guidance_every.is_some()
    }

    fn text(&self, step: &Step) -> Text {
        let Some(gate) = self.reuse.text_gate else { return Text::Read };
        let is_gated = |index: usize| index < step.steps && index as f64 / step.steps as f64 >= gate;
        match (is_gated(step.index), is_gated(step.index + 1)) {
            (true, _) => Text::Take,
            (false, true) => Text::Keep,
            (false, false) => Text::Read,
        }
    }

    fn since(&self, call: usize) -> usize {
        match self.reuse.deep_cache {
            None => call,
            Some(cache) if cache.uneven.is_none() => call / cache.interval * cache.interval,
            Some(_) => self.full[self.full.partition_point(|full| *full <= call) - 1],
        }
    }
}

impl Turn {
    /// Whether all of the network is computed.
    pub fn is_full(self) -> bool {
        self.since == self.call
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeepCache;

    /// The turns of steps with one call each, all guided with the same scale.
    fn turns(reuse: Reuse, steps: usize) -> Vec<Turn> {
        let mut turns = Turns::new(reuse, steps).unwrap();
        let step = |index| Step { index, steps, from: 2.0, to: 1.0 };
        (0..steps).map(|i| turns.next(&step(i), &[Role::Negative, Role::Prompt], Some(3.0))).collect()
    }

    #[test]
    fn values_that_change_nothing_make_plain_calls() {
        let cache = "1,2".parse().ok();
        let off = Reuse { deep_cache: cache, text_gate: Some(1.0), guidance_every: Some(1), merge_tokens: Some(0.0) };
        assert_eq!(turns(off, 7), turns(Reuse::default(), 7));
        assert!(turns(off, 7).iter().all(|turn| turn.is_full() && turn.text == Text::Read && !turn.repeats_guidance));
    }

    #[test]
    fn deep_features_are_those_of_the_last_full_call() {
        let since = |cache: &str| {
            let deep_cache: Option<DeepCache> = cache.parse().ok();
            turns(Reuse { deep_cache, ..Reuse::default() }, 7).iter().map(|turn| turn.since).collect::<Vec<_>>()
        };
        assert_eq!(since("3"), [0, 0, 0, 3, 3, 3, 6]);
        assert_eq!(since("7"), [0; 7]);
    }

    #[test]
    fn the_step_before_the_gate_keeps_and_is_full() {
        let reuse = Reuse { text_gate: Some(0.4), deep_cache: "3".parse().ok(), ..Reuse::default() };
        let early = turns(reuse, 10);
        let text: Vec<Text> = early.iter().map(|turn| turn.text).collect();
        assert_eq!(text[..5], [Text::Read, Text::Read, Text::Read, Text::Keep, Text::Take]);
        assert!(text[4..].iter().all(|text| *text == Text::Take));
        let late = turns(Reuse { text_gate: Some(0.5), ..reuse }, 10);
        assert_eq!((late[4].text, late[4].since, late[5].since), (Text::Keep, 4, 3));
    }

    #[test]
    fn a_guided_call_is_full_where_the_last_full_one_was_for_the_prompt_alone() {
        let reuse = Reuse { deep_cache: "3".parse().ok(), guidance_every: Some(2), ..Reuse::default() };
        let turns = turns(reuse, 9);
        let guided: Vec<bool> = turns.iter().map(|turn| !turn.repeats_guidance).collect();
        assert_eq!(guided, [true, false, true, false, true, false, true, false, true]);
        let since: Vec<usize> = turns.iter().map(|turn| turn.since).collect();
        assert_eq!(since, [0, 0, 0, 3, 4, 3, 6, 6, 6]);
    }

    #[test]
    fn guidance_is_repeated_until_it_is_old_or_its_scale_changes() {
        let every = |n| turns(Reuse { guidance_every: Some(n), ..Reuse::default() }, 6);
        let repeats: Vec<bool> = every(3).iter().map(|turn| turn.repeats_guidance).collect();
        assert_eq!(repeats, [false, true, true, false, true, true]);
        let mut turns = Turns::new(Reuse { guidance_every: Some(3), ..Reuse::default() }, 6).unwrap();
        let step = Step { index: 0, steps: 6, from: 2.0, to: 1.0 };
        let guided = [Role::Negative, Role::Prompt];
        let scales = [Some(3.0), Some(3.0), Some(2.0), Some(2.0)];
        let repeats = scales.map(|scale| turns.next(&step, &guided, scale).repeats_guidance);
        assert_eq!(repeats, [false, true, false, true]);
        assert!(!turns.next(&step, &[Role::Prompt], None).repeats_guidance);
    }
}
