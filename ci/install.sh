#!/usr/bin/env bash
# Finds the binary, or builds it from this checkout. Build scripts of dependencies get none of the job's secrets.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# What the binary is made of, for a cache's key.
if [[ "${1:-}" == --key ]]; then
  cd "$here"
  find Cargo.toml Cargo.lock src schemas -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
  exit 0
fi

if [[ -n "${PERSONAFORM_BINARY:-}" ]]; then
  binary="$(command -v "$PERSONAFORM_BINARY")" || { echo "error: there is no \`$PERSONAFORM_BINARY\`" >&2; exit 1; }
elif [[ -x "$here/target/release/personaform" ]]; then
  binary="$here/target/release/personaform"
else
  command -v cargo >/dev/null || { echo "error: no cargo to build personaform with; install Rust, or name a binary" >&2; exit 1; }
  keep=(PATH="$PATH" HOME="$HOME")
  for variable in CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN TMPDIR HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy SSL_CERT_FILE; do
    [[ -z "${!variable:-}" ]] || keep+=("$variable=${!variable}")
  done
  env -i "${keep[@]}" cargo build --release --locked --quiet --manifest-path "$here/Cargo.toml" --target-dir "$here/target" >&2
  binary="$here/target/release/personaform"
fi
env -i PATH="$PATH" "$binary" --version >&2
[[ -z "${GITHUB_OUTPUT:-}" ]] || printf 'binary=%s\n' "$binary" >>"$GITHUB_OUTPUT"
printf '%s\n' "$binary"
