//! Files of `torch.save`: a pickle that describes tensors, and their values beside it.

mod calls;
mod fault;
mod legacy;
mod numpy;
mod opcodes;
mod state_dict;
mod unpickler;
mod zip;

pub(crate) use legacy::open as open_legacy;
pub(crate) use zip::open as open_zip;
