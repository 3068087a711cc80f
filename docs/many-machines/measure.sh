#!/bin/bash
# Measures the queue with the built-in model: images per second of `sd batch`, and of one and two workers with one thread each.
#
#     SD=target/release/sd NATS_SERVER=nats-server docs/many-machines/measure.sh [IMAGES] [STEPS]
set -euo pipefail
sd=$(realpath "${SD:-target/release/sd}") server=${NATS_SERVER:-nats-server} images=${1:-100} steps=${2:-8}
folder=$(mktemp -d) port=$((20000 + RANDOM % 10000)) url=nats://127.0.0.1
url=$url:$port
cd "$folder"
"$server" -js -sd data -a 127.0.0.1 -p "$port" -l log &
processes=$!
trap 'kill $processes 2>/dev/null; rm -rf "$folder"' EXIT
sleep 1

# Each run has seeds of its own, so that nothing is there already.
job() { printf '{"prompt": "a red house by the sea", "steps": %d, "seed": %d, "count": %d}\n' "$steps" "$1" "$images" >"$2"; }
now() { date +%s.%N; }
# From the first image on: without the start of the programs, and without loading the model.
report() { awk -v n="$((images - 1))" -v s="$2" -v e="$3" -v what="$1" 'BEGIN { printf "%-22s %6.2f images/s  %7.1f ms/image\n", what, n / (e - s), (e - s) * 1e3 / n }'; }

echo "$images images of $steps steps"
job 1000000 one.jsonl
"$sd" batch one.jsonl --output one --threads 1 --device flex --progress json |
  awk -F'"images_per_second":' '/"finished"/ { split($2, rate, /[,}]/); printf "%-22s %6.2f images/s  %7.1f ms/image\n", "sd batch", rate[1], 1e3 / rate[1] }'
for workers in 1 2; do
  job "$((workers * 2000000))" jobs.jsonl
  "$sd" batch jobs.jsonl --nats "$url" --queue "q$workers" --progress none
  started=()
  for worker in $(seq "$workers"); do
    "$sd" worker --nats "$url" --queue "q$workers" --threads 1 --device flex --until-empty --progress json >"worker-$worker" &
    started+=($!)
  done
  until grep -qs '"done"' worker-*; do sleep 0.01; done
  from=$(now)
  wait "${started[@]}"
  report "$workers worker(s)" "$from" "$(now)"
done
