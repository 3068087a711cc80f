#!/usr/bin/env bash
# Times the networks on an NVIDIA GPU, through wgpu, Vulkan and CUDA, beside PyTorch; which kernels the time goes to; how
# devices and precisions drift apart; how long a start takes.
#
#     benches/gpu.sh PYTHON > report.md
#
# PYTHON is one that has torch with CUDA, diffusers and transformers; without it only ours is timed. Nothing is downloaded but
# the crates of a build, and LLVM, which Burn's build for CUDA fetches. On a machine without a network, BIN names a folder
# with the programs that another one built: benches/gpu.sh makes it at $BIN where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-target/gpu-benches}

# A build with `vulkan` compiles the kernels of `wgpu` by another compiler too, so each has its own.
if [ ! -d "$bin" ]; then
  for build in vulkan cuda,sd-cli/wgpu; do
    cargo build --release -p sd-cli -p sd-benches --bin sd --bin networks --bin drift --features "sd-cli/$build" >&2
    mkdir -p "$bin/${build%%,*}"
    cp "${CARGO_TARGET_DIR:-target}"/release/{sd,networks,drift} "$bin/${build%%,*}"
  done
fi
bin=$(realpath "$bin")

# The folder of the programs that have a device.
has() { [ "$1" = vulkan ] && echo "$bin/vulkan" || echo "$bin/cuda"; }

# The most memory that the GPU has in use while a command runs, in MiB, behind what it prints.
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
printf '```\n\n# Seconds a call, and MiB of the GPU in use\n\n'
printf 'Products in single precision are rounded to TF32 by Burn on cuda, so PyTorch in TF32 is what they stand beside.\n\n'
printf '| program | precision | network | seconds | MiB |\n|---|---|---|---|---|\n'
for network in unet unet-xl vae vae-xl; do
  for run in 'cuda f32' 'cuda f16' 'cuda bf16' 'vulkan f32' 'vulkan f16' 'vulkan bf16' 'wgpu f32' 'wgpu f16'; do
    read -r device precision <<< "$run"
    # The autoencoder is in single precision always.
    case "$network $precision" in vae*16) continue ;; esac
    printf '| sd-burn, %s | %s | %s | %s |\n' "$device" "$precision" "$network" \
      "$(measured "$(has "$device")/networks" "$network" "$precision" "$device")"
  done
  [ $# -eq 0 ] || for run in 'cuda f32' 'cuda tf32' 'cuda f16' 'compiled f16'; do
    read -r program precision <<< "$run"
    printf '| PyTorch, %s | %s | %s | %s |\n' "$program" "$precision" "$network" \
      "$(measured "$1" benches/compare/networks.py "$program" "$precision" "$network")"
  done
done

work=$(mktemp -d)
printf '\n# Kernels of a guided step in f16, by the time they take\n'
printf '[profiling.logger]\nlevel = "basic"\nstderr = true\n' > "$work/cubecl.toml"
for device in cuda vulkan wgpu; do
  printf '\n## %s\n\n```\n' "$device"
  (cd "$work" && "$(has "$device")/networks" unet f16 "$device" 2>&1 >/dev/null) | tail -40 || echo failed
  printf '```\n'
done
rm "$work/cubecl.toml"

printf '\n# Seconds of whole runs of the built-in model: the first, which tunes kernels, and the second\n\n'
export XDG_CACHE_HOME=$work
TIMEFORMAT=%R
for device in cuda vulkan wgpu; do
  for run in first second; do
    printf -- '- %s, %s: ' "$device" "$run"
    { time (cd "$work" && "$(has "$device")/sd" generate --prompt "a red house" --seed 0 --device "$device" \
      --progress none) > /dev/null || echo failed; } 2>&1
  done
done
rm -r "$work"

printf '\n# Drift\n\n'
"$bin/cuda/drift" || echo failed
"$bin/vulkan/drift" || echo failed
