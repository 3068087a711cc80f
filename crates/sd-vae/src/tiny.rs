use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::relu;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use sd_ops::convolve;

/// Configuration of an [`AutoencoderTiny`], with the names of the checkpoint's `config.json`.
#[derive(Config, Debug, PartialEq)]
pub struct AutoencoderTinyConfig {
    /// Channels of each resolution of the encoder, the finest first; empty if there is only a decoder.
    pub encoder_block_out_channels: Vec<usize>,
    /// Channels of each resolution of the decoder, the coarsest first.
    pub decoder_block_out_channels: Vec<usize>,
    /// Residual blocks per resolution of the encoder; empty if there is only a decoder.
    pub num_encoder_blocks: Vec<usize>,
    /// Residual blocks per resolution of the decoder.
    pub num_decoder_blocks: Vec<usize>,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Multiplies latents after encoding; published encoders produce latents as the U-Net reads them.
    pub scaling_factor: f64,
}

impl AutoencoderTinyConfig {
    /// TAESD, for Stable Diffusion 1.x and 2.x, and TAESDXL.
    pub fn taesd() -> Self {
        Self {
            encoder_block_out_channels: vec![64; 4],
            decoder_block_out_channels: vec![64; 4],
            num_encoder_blocks: vec![1, 3, 3, 3],
            num_decoder_blocks: vec![3, 3, 3, 1],
            latent_channels: 4,
            scaling_factor: 1.0,
        }
    }

    /// Returns the configuration without its encoder: drawing needs only the decoder.
    #[must_use]
    pub fn without_encoder(&self) -> Self {
        Self { encoder_block_out_channels: Vec::new(), num_encoder_blocks: Vec::new(), ..self.clone() }
    }

    /// Whether there is an encoder.
    pub fn has_encoder(&self) -> bool {
        !self.num_encoder_blocks.is_empty()
    }

    /// Width and height of a latent in pixels.
    pub fn factor(&self) -> usize {
        1 << (self.num_decoder_blocks.len() - 1)
    }

    /// Creates the autoencoder on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if the decoder has no resolutions, or if lists of channels and of blocks differ in length.
    pub fn init(&self, device: &Device) -> AutoencoderTiny {
        let encoder = self.has_encoder().then(|| self.encoder(device));
        AutoencoderTiny { encoder, decoder: self.decoder(device), config: self.clone() }
    }

    fn encoder(&self, device: &Device) -> Layers {
        let channels = &self.encoder_block_out_channels;
        assert_eq!(channels.len(), self.num_encoder_blocks.len(), "channels and numbers of blocks");
        let mut layers = Vec::new();
        for (i, (&channels, &blocks)) in channels.iter().zip(&self.num_encoder_blocks).enumerate() {
            layers.push(match i {
                0 => Layer::conv(3, channels, 1, true, device),
                _ => Layer::conv(channels, channels, 2, false, device),
            });
            layers.extend((0..blocks).map(|_| Layer::block(channels, device)));
        }
        let last = *channels.last().expect("an autoencoder has resolutions");
        layers.push(Layer::conv(last, self.latent_channels, 1, true, device));
        Layers { layers }
    }

    fn decoder(&self, device: &Device) -> Layers {
        let channels = &self.decoder_block_out_channels;
        assert_eq!(channels.len(), self.num_decoder_blocks.len(), "channels and numbers of blocks");
        let mut layers =
            vec![Layer::conv(self.latent_channels, channels[0], 1, true, device), Layer::plain(Step::Relu)];
        for (i, (&from, &blocks)) in channels.iter().zip(&self.num_decoder_blocks).enumerate() {
            layers.extend((0..blocks).map(|_| Layer::block(from, device)));
            if i + 1 < channels.len() {
                layers.push(Layer::plain(Step::Upsample));
                layers.push(Layer::conv(from, from, 1, false, device));
            } else {
                layers.push(Layer::conv(from, 3, 1, true, device));
            }
        }
        Layers { layers }
    }
}

/// A small autoencoder without norms and attention, trained to imitate the large one (TAESD): nearly as good, and many times
/// as fast.
#[derive(Module, Debug)]
pub struct AutoencoderTiny {
    encoder: Option<Layers>,
    decoder: Layers,
    #[module(skip)]
    config: AutoencoderTinyConfig,
}

impl AutoencoderTiny {
    /// Encodes an image as latents.
    ///
    /// # Shapes
    ///
    /// - image: `[batch, 3, height, width]`, from −1 to 1; height and width multiples of the factor
    /// - output: `[batch, latent_channels, height/factor, width/factor]`, as the U-Net sees them
    ///
    /// # Panics
    ///
    /// Panics if there is [no encoder](AutoencoderTinyConfig::has_encoder).
    pub fn encode(&self, image: Tensor<4>) -> Tensor<4> {
        let encoder = self.encoder.as_ref().expect("an autoencoder with an encoder");
        encoder.forward((image + 1.0) / 2.0) * self.config.scaling_factor
    }

    /// Decodes latents to an image.
    ///
    /// # Shapes
    ///
    /// - latents: `[batch, latent_channels, height, width]`, as the U-Net sees them
    /// - output: `[batch, 3, factor·height, factor·width]`, about −1 to 1
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        // A soft clamp to ±3: beyond it there is nothing to learn from.
        let latents = (latents / (3.0 * self.config.scaling_factor)).tanh() * 3.0;
        self.decoder.forward(latents) * 2.0 - 1.0
    }

    /// The precision of the weights, in which images and latents are expected.
    pub fn dtype(&self) -> DType {
        self.decoder.layers.iter().find_map(|layer| layer.alone.as_ref()).expect("it has convolutions").weight.dtype()
    }

    /// The autoencoder's configuration.
    pub fn config(&self) -> &AutoencoderTinyConfig {
        &self.config
    }
}

/// A sequence of layers, whose indices are part of the checkpoint's keys.
#[derive(Module, Debug)]
struct Layers {
    layers: Vec<Layer>,
}

impl Layers {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(x, |x, layer| layer.forward(x))
    }
}

/// One layer, of any kind.
#[derive(Module, Debug)]
struct Layer {
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
    fn plain(step: Step) -> Self {
        Self { alone: None, conv: Vec::new(), step }
    }

    fn conv(from: usize, to: usize, stride: usize, bias: bool, device: &Device) -> Self {
        Self { alone: Some(conv3x3(from, to, stride, bias, device)), ..Self::plain(Step::Conv) }
    }

    /// Three convolutions, at indices 0, 2 and 4: the indices between them are non-linearities, without weights.
    fn block(channels: usize, device: &Device) -> Self {
        let conv = |i: usize| i.is_multiple_of(2).then(|| conv3x3(channels, channels, 1, true, device));
        Self { conv: (0..5).map(conv).collect(), ..Self::plain(Step::Block) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self.step {
            Step::Conv => convolve(self.alone.as_ref().expect("a convolution"), x),
            Step::Relu => relu(x),
            Step::Upsample => {
                let [.., height, width] = x.dims();
                let size = [2 * height, 2 * width];
                interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
            }
            Step::Block => {
                let convs = self.conv.iter().flatten().enumerate();
                let inside = convs.fold(x.clone(), |x, (i, conv)| convolve(conv, if i == 0 { x } else { relu(x) }));
                relu(inside + x)
            }
        }
    }
}

fn conv3x3(from: usize, to: usize, stride: usize, bias: bool, device: &Device) -> Conv2d {
    let config = Conv2dConfig::new([from, to], [3, 3]).with_stride([stride, stride]).with_bias(bias);
    config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
}
