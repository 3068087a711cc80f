//! Trainings from a TOML file.
