//! What `torch.save` writes: a pickle that describes tensors, and their numbers beside it.

mod calls;
mod legacy;
mod machine;
mod numpy;
mod opcodes;
mod state_dict;
mod zip;

pub(crate) use legacy::open as open_legacy;
pub(crate) use zip::open as open_zip;

use std::path::Path;

use crate::WeightsError;

/// Why a pickle cannot be read.
#[derive(Debug)]
enum Fault {
    Io(std::io::Error),
    /// It ends early, or says what makes no sense.
    Malformed(String),
    /// It asks for something that weights do not need; its name.
    Forbidden(String),
}

impl Fault {
    fn of(self, path: &Path) -> WeightsError {
        let file = path.to_path_buf();
        match self {
            Self::Io(source) => WeightsError::Io { file, source },
            Self::Malformed(reason) => WeightsError::Format { file, format: "PyTorch", reason },
            Self::Forbidden(global) => WeightsError::Forbidden { file, global },
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                Self::Malformed("its pickle ends early; if the file is a download, download it again".into())
            }
            _ => Self::Io(error),
        }
    }
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Malformed(reason.into()))
}
