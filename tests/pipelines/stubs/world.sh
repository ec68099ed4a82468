# shellcheck shell=bash
# What the stand-ins for the code hosts share: what was asked, and lists as JSON in the folder $STUB_WORLD. Sourced.
cd "${STUB_WORLD:?}" || exit 1

# called NAME ARGUMENTS...
called() {
  printf '%s' "$1"
  shift
  printf ' %s' "$@"
  printf '\n'
} >>calls

# forbidden METHOD PATH: whether the test takes this permission away.
forbidden() { [[ -f forbidden && "$1 $2" =~ $(<forbidden) ]]; }

# change LIST JQ-ARGUMENTS...
change() { jq "${@:2}" "$1" >changed && mv changed "$1"; }

# next LIST: an id that is free.
next() { jq '[.[] | .id // .iid // .number] + [100] | max + 1' "$1"; }

# lists NAME...: begins those that are not there.
lists() {
  local file
  for file in "$@"; do [[ -f "$file.json" ]] || echo '[]' >"$file.json"; done
}
