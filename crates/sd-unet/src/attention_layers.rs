use crate::UnetConfig;
use crate::plan::{BlockPlan, Plan};

/// A layer of cross-attention in a [`Unet`](crate::Unet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionLayer {
    /// The block that it is in.
    pub place: Place,
    /// The index of its transformer in the block.
    pub attention: usize,
    /// The index of the layer in the transformer.
    pub layer: usize,
    /// Its channels.
    pub channels: usize,
}

/// A block of a [`Unet`](crate::Unet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the way down, counted from the finest level, 0.
    Down(usize),
    /// In the middle.
    Middle,
    /// On the way up, counted from the coarsest level, 0.
    Up(usize),
}

impl UnetConfig {
    /// Lists the layers of cross-attention in the order in which they run: down, middle, up.
    pub fn attention_layers(&self) -> Vec<AttentionLayer> {
        let Plan { down, mid, up } = Plan::new(&self.levels, self.mid_resnets, self.mid_attention);
        let down = down.iter().enumerate().flat_map(|(i, block)| layers(Place::Down(i), block));
        let mid = mid.iter().flat_map(|block| layers(Place::Middle, block));
        let up = up.iter().enumerate().flat_map(|(i, block)| layers(Place::Up(i), block));
        down.chain(mid).chain(up).collect()
    }
}

fn layers(place: Place, block: &BlockPlan) -> Vec<AttentionLayer> {
    let channels = block.channels;
    let of = |(attention, layers): (usize, &usize)| {
        (0..*layers).map(move |layer| AttentionLayer { place, attention, layer, channels })
    };
    block.attention.iter().enumerate().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IP-Adapters' files have 16 pairs of matrices for Stable Diffusion 1.5 and 70 for XL.
    #[test]
    fn the_published_models_have_as_many_layers_as_their_adapters() {
        let layers = UnetConfig::sd1().attention_layers();
        assert_eq!(layers.len(), 16);
        assert_eq!(layers[6], AttentionLayer { place: Place::Middle, attention: 0, layer: 0, channels: 1280 });
        assert_eq!(layers[7], AttentionLayer { place: Place::Up(1), attention: 0, layer: 0, channels: 1280 });
        assert_eq!(UnetConfig::sdxl().attention_layers().len(), 70);
    }
}
