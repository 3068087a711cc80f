use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Runs all tests, with the backends that any machine can test.
///
/// The wgpu tests need a Vulkan, Metal or DirectX driver; a software driver such as Mesa's lavapipe will do.
pub fn run(flags: &[String]) -> ExitCode {
    let mut test = cargo();
    // With full tuning a software driver takes minutes; the user's own runs must not see the results.
    test.env("CUBECL_AUTOTUNE_LEVEL", "minimal").env("CUBECL_ENVIRONMENT", "sd-burn-tests");
    cargo::run(test.args(["test", "--features", "sd-cli/ndarray,sd-cli/wgpu"]).args(flags).current_dir(root()))
}
