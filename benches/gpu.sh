#!/usr/bin/env bash
# Times the networks on an NVIDIA card, through wgpu and CUDA, beside PyTorch; how devices and precisions drift apart; how long
# a start takes. Nothing is downloaded but the crates of a build, and LLVM, which Burn's build for CUDA fetches.
#
#     benches/gpu.sh PYTHON > report.md
#
# PYTHON is one that has torch with CUDA, diffusers and transformers; without it only ours is timed.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release -p sd-cli -p sd-benches --bin sd --bin networks --bin drift --features sd-cli/cuda,sd-cli/wgpu >&2
bin=$(realpath "${CARGO_TARGET_DIR:-target}/release")

# The most memory that the card has in use while a command runs, in MiB, behind what it prints.
measured() {
  local log; log=$(mktemp)
  nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 100 > "$log" & local watcher=$!
  local line; line=$("$@" 2>/dev/null) || line="- failed"
  kill "$watcher"
  printf '%s | %s\n' "$(echo "$line" | tail -1 | cut -d' ' -f2-)" "$(sort -n "$log" | tail -1)"
  rm "$log"
}

printf '# Devices\n\n```\n'
"$bin/sd" devices
printf '```\n\n# Seconds a call, and MiB of the card in use\n\n'
printf '| program | precision | network | seconds | MiB |\n|---|---|---|---|---|\n'
for network in unet unet-xl vae; do
  for run in 'cuda f32' 'cuda f16' 'cuda bf16' 'wgpu f32' 'wgpu f16'; do
    read -r device precision <<< "$run"
    printf '| sd-burn, %s | %s | %s | %s |\n' "$device" "$precision" "$network" \
      "$(measured "$bin/networks" "$network" "$precision" "$device")"
  done
  [ $# -eq 0 ] || for run in 'cuda f32' 'cuda tf32' 'cuda f16' 'compiled f16'; do
    read -r program precision <<< "$run"
    printf '| PyTorch, %s | %s | %s | %s |\n' "$program" "$precision" "$network" \
      "$(measured "$1" benches/compare/networks.py "$program" "$precision" "$network")"
  done
done

printf '\n# Seconds of whole runs of the built-in model: the first, which tunes kernels, and the second\n\n'
export XDG_CACHE_HOME; XDG_CACHE_HOME=$(mktemp -d)
TIMEFORMAT=%R
for device in cuda wgpu; do
  for run in first second; do
    printf -- '- %s, %s: ' "$device" "$run"
    { time (cd "$XDG_CACHE_HOME" && "$bin/sd" generate --prompt "a red house" --seed 0 --device "$device" \
      --progress none) > /dev/null; } 2>&1
  done
done
rm -r "$XDG_CACHE_HOME"

printf '\n# Drift\n\n'
"$bin/drift"
