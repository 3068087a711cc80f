//! Flags of `sd generate` about work of the network that is used again.

use sd_pipeline::{DeepCache, Fast, Request, Reuse};

/// How much of the network's work is done.
#[derive(clap::Args)]
#[command(next_help_heading = "Speed (less arithmetic for almost the same image; docs/fast.md compares them)")]
pub struct ReuseFlags {
    /// Draw faster: quality, balanced or fastest [default: compute everything]
    ///
    /// Each is a combination of the flags below, any of which replaces its part. --plan and --dry-run say how much arithmetic is
    /// left. It is for 15 steps and more: with few steps there is little to use again.
    #[arg(long, value_name = "HOW")]
    fast: Option<Fast>,
    /// Compute the deep part of the network in one of INTERVAL calls, and use its features in the others (DeepCache) [default: 1]
    ///
    /// 3 is usual. BRANCH is the last skip connection that every call computes: 0, the default, leaves the most out. With CENTER and
    /// POWER, the full calls are closer together near the call CENTER: 5,0,10,1.4.
    #[arg(long, value_name = "INTERVAL[,BRANCH[,CENTER,POWER]]")]
    deep_cache: Option<DeepCache>,
    /// Stop reading the text after this share of the steps, from 0 to 1, and draw on without guidance, at half the work (T-GATE)
    ///
    /// 0.4 is usual: 10 of 25 steps.
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    text_gate: Option<f64>,
    /// Compute guidance in every Nth call of the network; in between, add again what it added last
    #[arg(long, value_name = "N")]
    guidance_every: Option<usize>,
    /// Let self-attention at the finest level merge this share of the pixels with similar ones, from 0 to below 0.75; 0.5 is usual (ToMe)
    #[arg(long, value_name = "RATIO", allow_hyphen_values = true)]
    merge_tokens: Option<f64>,
}

impl ReuseFlags {
    /// Adds the flags to a request.
    pub fn add_to(&self, request: &mut Request) {
        let Self { fast, deep_cache, text_gate, guidance_every, merge_tokens } = *self;
        request.fast = fast;
        request.reuse = Reuse { deep_cache, text_gate, guidance_every, merge_tokens };
    }
}
