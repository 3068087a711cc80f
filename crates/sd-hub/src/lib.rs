//! Models of the [Hugging Face hub](https://huggingface.co): of a repository the files that are needed to draw, in the cache
//! that Python's `huggingface_hub` shares.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//!
//! use sd_hub::{Hub, Wanted};
//!
//! let wanted: Wanted = "stable-diffusion-v1-5/stable-diffusion-v1-5".parse()?;
//! let found = Hub::from_env()?.fetch(&wanted, &mut |download| {
//!     if let Some(download) = download {
//!         eprintln!("{}: {} of {} bytes", download.file, download.done, download.total);
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! println!("{}", found.path.display());
//! # Ok::<(), sd_hub::HubError>(())
//! ```

mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod hub;
mod needed;
mod wanted;

pub use error::HubError;
pub use hub::{Download, Found, Hub, Watch};
pub use wanted::Wanted;
