use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::relu;
use sd_ops::Wrap;

use crate::bands::{Banding, Map, Rows, Stage};

/// A sequence of layers, whose indices are part of the checkpoint's keys.
#[derive(Module, Debug)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
}

impl Layers {
    pub fn new(layers: Vec<Layer>) -> Self {
        Self { layers }
    }

    pub fn forward(&self, x: Tensor<4>, wrap: Wrap) -> Tensor<4> {
        run(&self.layers, Rows::whole(x, wrap)).values
    }

    /// [`forward`](Self::forward) in bands of rows, for one image. Maps are only whole before each change of their size.
    pub fn forward_in_bands(&self, x: Tensor<4>, wrap: Wrap, banding: Banding) -> Tensor<4> {
        let map = Map::new(x, None, wrap, banding);
        let parts = self.layers.chunk_by(|layer, next| !layer.halves() && next.step != Step::Upsample);
        parts.fold(map, |map, layers| map.then(&stage(layers))).whole()
    }

    /// The precision of the weights.
    pub fn dtype(&self) -> DType {
        self.layers.iter().find_map(|layer| layer.alone.as_ref()).expect("it has convolutions").weight.dtype()
    }
}

/// One layer, of any kind.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    alone: Option<Conv2d>,
    conv: Vec<Option<Conv2d>>,
    #[module(skip)]
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Conv,
    Block,
    Relu,
    Upsample,
}

impl Layer {
    pub fn conv(from: usize, to: usize, stride: usize, bias: bool, device: &Device) -> Self {
        Self { alone: Some(conv3x3(from, to, stride, bias, device)), ..Self::plain(Step::Conv) }
    }

    /// Three convolutions, at indices 0, 2 and 4: the indices between them are non-linearities, without weights.
    pub fn block(channels: usize, device: &Device) -> Self {
        let conv = |i: usize| i.is_multiple_of(2).then(|| conv3x3(channels, channels, 1, true, device));
        Self { conv: (0..5).map(conv).collect(), ..Self::plain(Step::Block) }
    }

    pub fn relu() -> Self {
        Self::plain(Step::Relu)
    }

    pub fn upsample() -> Self {
        Self::plain(Step::Upsample)
    }

    fn plain(step: Step) -> Self {
        Self { alone: None, conv: Vec::new(), step }
    }

    fn convs(&self) -> impl Iterator<Item = &Conv2d> {
        self.alone.iter().chain(self.conv.iter().flatten())
    }

    fn halves(&self) -> bool {
        self.convs().any(|conv| conv.stride == [2, 2])
    }

    fn forward(&self, x: Rows) -> Rows {
        match self.step {
            Step::Conv => x.convolve(self.alone.as_ref().expect("a convolution")),
            Step::Relu => x.map(relu),
            Step::Upsample => x.upsample(),
            Step::Block => {
                let convs = self.convs().enumerate();
                let inside = convs.fold(x.clone(), |x, (i, conv)| if i == 0 { x } else { x.map(relu) }.convolve(conv));
                let x = x.crop(inside.range());
                inside.map(|inside| relu(inside + x.values))
            }
        }
    }
}

fn run(layers: &[Layer], x: Rows) -> Rows {
    layers.iter().fold(x, |x, layer| layer.forward(x))
}

/// Layers whose size changes only before the first or in the last.
fn stage(layers: &[Layer]) -> Stage<'_> {
    let convs = || layers.iter().flat_map(Layer::convs);
    let channels = convs().flat_map(|conv| conv.weight.dims()[..2].to_vec()).max().unwrap_or(1);
    let halo = convs().count();
    match layers {
        [first, rest @ ..] if first.step == Step::Upsample => {
            Stage::new(channels, halo, move |x| run(rest, x)).upsampled()
        }
        [.., last] if last.halves() => Stage::halving(4 * channels, halo.div_ceil(2), move |x| run(layers, x)),
        _ => Stage::new(channels, halo, move |x| run(layers, x)),
    }
}

fn conv3x3(from: usize, to: usize, stride: usize, bias: bool, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new([from, to], [3, 3]).with_stride([stride, stride]).with_bias(bias);
    config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
}
