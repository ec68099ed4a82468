#!/bin/sh
# Builds the fuzz targets with the stable compiler and runs each for so many seconds (60): `fuzz/run.sh 300 persona state`.
# The coverage that libFuzzer steers by is a pass of LLVM that stable flags switch on; only the sanitizers want a nightly compiler.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- persona project state journal plan answer_anam answer_bland answer_opengiant answer_tavus
# A build of the profile `dev` is there sooner and tries fewer inputs per second.
folder=${PROFILE:-release}
[ "$folder" != dev ] || folder=debug
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing" \
  cargo build --profile "${PROFILE:-release}" --target "$host" --target-dir target
for target in "$@"; do
  mkdir -p "corpus/$target"
  # An input may take 10 seconds and 1 GiB; inputs are up to 64 KiB long.
  "target/$host/$folder/$target" "corpus/$target" "seeds/$target" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=65536 \
    -artifact_prefix="artifacts-$target-" -print_final_stats=1 2>&1 | grep -E "^(Done|stat::|SUMMARY|==|artifact)|panicked|Test unit" | sed "s/^/$target: /"
done
