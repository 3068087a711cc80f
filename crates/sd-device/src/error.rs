/// A device that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has this name.
    #[error("unknown device `{name}`; known devices: {}", known.join(", "))]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names of all backends.
        known: Vec<&'static str>,
    },
    /// The part of a name after its colon is not a number.
    #[error("device `{name}`: expected a number after the colon, as in {backend}:0")]
    NotANumber {
        /// The name that was given.
        name: String,
        /// The part before the colon.
        backend: String,
    },
    /// The backend exists, but not in this build.
    #[error(
        "device `{backend}` is not in this build: build with `--features {backend}`, or let `cargo xtask generate --device {backend}` do it"
    )]
    NotCompiled {
        /// The backend, which is also the name of its Cargo feature.
        backend: String,
    },
    /// This machine has no such device.
    #[error("device `{name}` does not exist: {}", found(*count))]
    NotFound {
        /// The name that was given.
        name: String,
        /// How many devices of this backend the machine has.
        count: usize,
    },
    /// The driver would crash the program.
    #[error(
        "device `{name}` is Mesa's software driver, which crashes in a build with `vulkan`: build with `wgpu` alone, or use flex"
    )]
    Crashes {
        /// The name that was given.
        name: String,
    },
    /// The build has no backend at all.
    #[error("this build has no backend: build with `--features flex`")]
    NoBackend,
    /// The driver failed while the device was opened.
    #[error("the device failed: {0}")]
    Driver(String),
}

fn found(count: usize) -> String {
    match count {
        0 => "none was found on this machine; check its driver".to_string(),
        1 => "this machine has one, number 0".to_string(),
        n => format!("this machine has {n}, numbers 0 to {}", n - 1),
    }
}
