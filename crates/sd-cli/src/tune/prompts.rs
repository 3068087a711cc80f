//! The prompts that images are drawn from.

use std::path::Path;

use sd_scenes::Split;

use crate::failure::Failure;

/// Prompts of all kinds, for models of any.
const PROMPTS: &str = include_str!("prompts.txt");

/// The prompts of a file, one a line; or else captions for the built-in model, and prompts of all kinds for others.
pub fn read(file: Option<&Path>, is_builtin: bool, count: usize) -> Result<Vec<String>, Failure> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()
    };
    let Some(file) = file else {
        let captions = || (0..count as u64).map(|i| Split::Train.sample(i, 0, 1).caption).collect();
        return Ok(if is_builtin { captions() } else { lines(PROMPTS) });
    };
    let name = || format!("--prompts {}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new(format!("{}: {error}", name())))?;
    let prompts = lines(&text);
    if prompts.is_empty() {
        return Err(Failure::usage(format!("{}: it has no prompts: write one on each line", name())));
    }
    Ok(prompts)
}

/// Identifies prompts (64-bit FNV-1a).
pub fn hash(prompts: &[String]) -> String {
    let bytes = prompts.iter().flat_map(|prompt| prompt.bytes().chain([b'\n']));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
