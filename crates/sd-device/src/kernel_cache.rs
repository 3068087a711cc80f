/// How a GPU's kernels are chosen among those that compute the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// By timing all that may be good a few times, when a shape is first met.
    Thorough,
    /// By trying each once, or not at all where one does for most shapes: runs start sooner, and images may take longer. What
    /// is chosen so is kept apart.
    Quick,
}

/// Has what is found out about a GPU's kernels kept in the user's cache folder: which of them are the fastest, and
/// how they were compiled.
///
/// For a program to call once, before it opens any device; from then on it is settled, as it is by a file `cubecl.toml`
/// or by CubeCL's environment variables, which go first. A choice of a kernel is a record of the target `cubecl::autotune`
/// in the program's log, if it has one. Without a backend for GPUs this does nothing.
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
