//! Images against Pillow.

mod image_files;
