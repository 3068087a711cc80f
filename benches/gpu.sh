#!/usr/bin/env bash
# Reports on an NVIDIA GPU: times of the networks through wgpu, Vulkan and CUDA, compared with PyTorch; times of kernels;
# drift of devices and precisions; start times.
#
#     benches/gpu.sh PYTHON > report.md
#
# PYTHON is an interpreter with torch for CUDA, diffusers and transformers. Without it only sd-burn is timed. The script
# downloads only crates, and LLVM, which Burn's build for CUDA fetches. On a machine without a network, set BIN to a folder
# with programs that were built on another machine. The script builds them into $BIN if that folder does not exist.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-target/gpu-benches}

# In a build with `vulkan`, `wgpu` uses that compiler for its kernels too, so the two need separate builds.
if [ ! -d "$bin" ]; then
  for build in vulkan cuda,sd-cli/wgpu; do
    cargo build --release -p sd-cli -p sd-benches --bin sd --bin networks --bin drift --features "sd-cli/$build" >&2
    mkdir -p "$bin/${build%%,*}"
    cp "${CARGO_TARGET_DIR:-target}"/release/{sd,networks,drift} "$bin/${build%%,*}"
  done
fi
bin=$(realpath "$bin")

# Prints the folder of the programs that have a device.
folder_of() { [ "$1" = vulkan ] && echo "$bin/vulkan" || echo "$bin/cuda"; }

# Runs a command and prints its last line, and the peak of the GPU's memory in use in MiB.
measured() {
  local log; log=$(mktemp)
  nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 100 > "$log" & local watcher=$!
  local line; line=$("$@" 2>/dev/null) || line="- failed"
  kill "$watcher"
  printf '%s | %s\n' "$(echo "$line" | tail -1 | cut -d' ' -f2-)" "$(sort -n "$log" | tail -1)"
  rm "$log"
}

printf '# Devices\n\n```\n'
"$bin/cuda/sd" devices || echo failed
"$bin/vulkan/sd" devices || echo failed
printf '```\n\n# Seconds per call, and MiB of GPU memory in use\n\n'
printf 'On cuda, Burn rounds products in single precision to TF32, so compare them with PyTorch in TF32.\n\n'
printf '| program | precision | network | seconds | MiB |\n|---|---|---|---|---|\n'
for network in unet unet-xl vae vae-xl; do
  for run in 'cuda f32' 'cuda f16' 'cuda bf16' 'vulkan f32' 'vulkan f16' 'vulkan bf16' 'wgpu f32' 'wgpu f16'; do
    read -r device precision <<< "$run"
    # The autoencoder always runs in single precision.
    case "$network $precision" in vae*16) continue ;; esac
    printf '| sd-burn, %s | %s | %s | %s |\n' "$device" "$precision" "$network" \
      "$(measured "$(folder_of "$device")/networks" "$network" "$precision" "$device")"
  done
  [ $# -eq 0 ] || for run in 'cuda f32' 'cuda tf32' 'cuda f16' 'compiled f16'; do
    read -r program precision <<< "$run"
    printf '| PyTorch, %s | %s | %s | %s |\n' "$program" "$precision" "$network" \
      "$(measured "$1" benches/compare/networks.py "$program" "$precision" "$network")"
  done
done

work=$(mktemp -d)
printf '\n# Kernels of a guided step in f16, by time\n'
printf '[profiling.logger]\nlevel = "basic"\nstderr = true\n' > "$work/cubecl.toml"
for device in cuda vulkan wgpu; do
  printf '\n## %s\n\n```\n' "$device"
  (cd "$work" && "$(folder_of "$device")/networks" unet f16 "$device" 2>&1 >/dev/null) | tail -40 || echo failed
  printf '```\n'
done
rm "$work/cubecl.toml"

printf '\n# Seconds of whole runs of the built-in model: the first one, which tunes kernels, and the second\n\n'
export XDG_CACHE_HOME=$work
TIMEFORMAT=%R
for device in cuda vulkan wgpu; do
  for run in first second; do
    printf -- '- %s, %s: ' "$device" "$run"
    { time (cd "$work" && "$(folder_of "$device")/sd" generate --prompt "a red house" --seed 0 --device "$device" \
      --progress none) > /dev/null || echo failed; } 2>&1
  done
done
rm -r "$work"

printf '\n# Drift\n\n'
"$bin/cuda/drift" || echo failed
"$bin/vulkan/drift" || echo failed
