/// How a GPU's kernels are chosen among equivalent ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// Times each promising kernel a few times when a shape first occurs.
    Thorough,
    /// Tries each kernel at most once, and not at all if one kernel suits most shapes: runs start sooner, and images may
    /// take longer. These choices are cached separately.
    Quick,
}

/// Caches compiled GPU kernels, and which of them are the fastest, in the user's cache folder.
///
/// Call this once, before opening any device; later calls have no effect. A file `cubecl.toml` and CubeCL's environment
/// variables take precedence. Each choice of a kernel is logged with the target `cubecl::autotune`. Without a backend for
/// GPUs this does nothing.
pub fn keep_kernels(tuning: Tuning) {
    #[cfg(not(feature = "gpu"))]
    let _ = tuning;
    #[cfg(feature = "gpu")]
    {
        use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig, autotune, compilation};

        let mut config = CubeClRuntimeConfig::from_current_dir();
        config.compilation = compilation::CompilationConfig { cache: true, ..config.compilation };
        config.autotune.logger.log = Some(Default::default());
        if tuning == Tuning::Quick {
            config.environment.name = "untuned".into();
            config.autotune.level = autotune::AutotuneLevel::Minimal;
            config.autotune.bench = autotune::BenchConfig { min_samples: 1, max_samples: 1, ..config.autotune.bench };
        }
        CubeClRuntimeConfig::try_set(config.override_from_env());
    }
}
