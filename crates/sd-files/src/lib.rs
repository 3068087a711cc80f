#![doc = include_str!("../README.md")]

mod atomic;
mod destination;
mod folder_lock;
mod partial;

pub use atomic::{make_folder_atomically, update_folder_atomically, write_atomically};
pub use destination::Destination;
pub use folder_lock::FolderLock;
pub use partial::remove_leftovers;
