/// How a client stands to its job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum How {
    /// It waits on its connection. Dropping the ticket cancels the job, and a restart does not bring it back.
    Attached,
    /// It waits likewise, and each image comes with previews, evenly spread over its calls, as steps with a preview.
    Streaming {
        /// Previews of each image.
        partials: usize,
    },
    /// It comes back for it.
    Kept {
        /// What the client calls it (`Idempotency-Key`): under one key it has one job.
        key: Option<String>,
    },
}

impl How {
    /// Whether the job lives no longer than the client's connection.
    pub(super) fn is_attached(&self) -> bool {
        !matches!(self, Self::Kept { .. })
    }

    pub(super) fn partials(&self) -> Option<usize> {
        match self {
            Self::Streaming { partials } => Some(*partials),
            _ => None,
        }
    }
}
