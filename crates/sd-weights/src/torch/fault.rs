use std::path::Path;

use crate::WeightsError;

/// Why a pickle cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    Io(std::io::Error),
    /// It ends early or is not valid.
    Malformed(String),
    /// It asks for a function or a class that weights do not need, named here.
    Forbidden(String),
}

impl Fault {
    pub fn into_error(self, path: &Path) -> WeightsError {
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

pub(super) fn malformed<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Malformed(reason.into()))
}
