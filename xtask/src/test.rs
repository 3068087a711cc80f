use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Runs all tests, with the backends that any machine can test.
///
/// The wgpu tests need a Vulkan, Metal or DirectX driver; a software driver such as Mesa's lavapipe will do. Example programs are not
/// linked: the lints compile them, and tests run their functions.
pub fn run(flags: &[String]) -> ExitCode {
    for targets in [&["--lib", "--bins", "--tests"][..], &["--doc"]] {
        let mut test = cargo();
        // With full tuning a software driver takes minutes; the user's own runs must not see the results.
        test.env("CUBECL_AUTOTUNE_LEVEL", "minimal").env("CUBECL_ENVIRONMENT", "sd-burn-tests");
        test.args(["test", "--features", "sd-cli/nats,sd-cli/ndarray,sd-cli/wgpu"]).args(targets);
        let code = cargo::run(test.args(flags).current_dir(root()));
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    ExitCode::SUCCESS
}
