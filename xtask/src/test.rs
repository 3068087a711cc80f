use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Runs every test with the backends that can be tested on any machine.
///
/// The wgpu tests need a Vulkan, Metal or DirectX driver; a software one such as Mesa's lavapipe will do.
pub fn run(flags: &[String]) -> ExitCode {
    let mut test = cargo();
    // A software driver tunes kernels for minutes otherwise; what it finds so is not to be taken for what the user's runs keep.
    test.env("CUBECL_AUTOTUNE_LEVEL", "minimal").env("CUBECL_ENVIRONMENT", "sd-burn-tests");
    cargo::run(test.args(["test", "--features", "sd-cli/ndarray,sd-cli/wgpu"]).args(flags).current_dir(root()))
}
