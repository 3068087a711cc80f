//! Images against Pillow, diffusers, OpenCV and AUTOMATIC1111.

mod editing;
mod image_files;
mod resizing;
