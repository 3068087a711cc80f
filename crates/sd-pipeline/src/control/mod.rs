//! Images that steer a drawing: through control networks, and as prompts.

mod control_image;
mod image_layers;
mod image_prompt;
mod window;

pub use self::control_image::{ControlImage, ControlMode, Hint};
pub use self::image_layers::ImageLayers;
pub use self::image_prompt::{ImagePrompt, PlannedImagePrompt};
pub(crate) use self::window::Window;
