# shellcheck shell=bash
# What the pipeline scripts share. Sourced, never run.
#
# Settings, all from the environment:
#   PERSONAFORM_BINARY        the binary; the one on PATH by default
#   PERSONAFORM_DIR           the project's folder
#   PERSONAFORM_NAME          tells several projects of one repository apart: lower-case letters, digits and `-`
#   PERSONAFORM_FLAGS         flags for each run, split at spaces: `--allow-deletes`, `--target tavus.*`
#   PERSONAFORM_STATE_BRANCH  the branch that keeps the state; empty: the state is where the checkout has it
#   PERSONAFORM_STATE_PATH    the state file below the project's folder
#   PERSONAFORM_OUT           a folder for what the pipeline keeps (reviewed.json, a state that could not be saved)
#   PERSONAFORM_BOT           who writes the comments and issues; nobody else's are ever touched
#
# Exit codes are those of personaform; a script's own refusal is 4, its own failure 1.

set -euo pipefail
umask 077

binary="${PERSONAFORM_BINARY:-personaform}"
dir="${PERSONAFORM_DIR:-.}"
name="${PERSONAFORM_NAME:-personas}"
state_branch="${PERSONAFORM_STATE_BRANCH:-}"
state_path="${PERSONAFORM_STATE_PATH:-.personaform/state.json}"
out="${PERSONAFORM_OUT:-${RUNNER_TEMP:-$PWD}/personaform-ci}"
read -r -a flags <<<"${PERSONAFORM_FLAGS:-}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*" >&2; }

# stop CODE MESSAGE [HELP]
stop() {
  host_error "$2${3:+; $3}"
  exit "$1"
}

# The tokens of the code host are the scripts' own: a file that names one by `$env` must not get it.
run() {
  env -u GH_TOKEN -u GITHUB_TOKEN -u ACTIONS_RUNTIME_TOKEN -u ACTIONS_ID_TOKEN_REQUEST_TOKEN -u PERSONAFORM_GITLAB_TOKEN -u CI_JOB_TOKEN \
    "$binary" -C "$dir" --no-input --color never "${flags[@]}" "$@"
}

# logged OUT-FILE ARGUMENTS...: runs, keeps the result, and shows it and all else as text that others wrote.
logged() {
  local result="$1" code=0
  shift
  run "$@" >"$result" 2>"$work/aside.txt" || code=$?
  host_log "$work/aside.txt"
  host_log "$result"
  return "$code"
}

# Checks the files without any secret: nothing of this job's environment reaches the process.
check_without_secrets() {
  env -i PATH="$PATH" HOME="$work" "$binary" -C "$dir" --no-input --color never --sandbox validate "$@"
}

# Reads one JSON value, and fails where it is absent.
field() { jq -er "$1" "$2"; }

# A digest comes from a file that others wrote: only something that looks like one is passed on.
check_digest() { [[ "$1" =~ ^[A-Za-z0-9:_-]{8,200}$ ]] || stop 1 "what stands where a plan's digest should be is none"; }

# Keeps a Markdown text within a number of characters: whole lines only, with what is open at the cut closed again.
fit() {
  jq -Rsj --argjson limit "$1" --arg notice "$2" '
    if length <= $limit then .
    else
      # Only a line that is nothing but the fence, or longer, closes it; what stands inside is no markup.
      reduce split("\n")[] as $line ({lines: [], length: 0, fence: "", details: 0, full: false};
        if .full or (.length + ($line | length) + 1 > $limit - 200 - ($notice | length)) then .full = true
        else
          .lines += [$line]
          | .length += ($line | length) + 1
          | ($line | capture("^ {0,3}(?<fence>`{3,}|~{3,})(?<info>.*)$") // null) as $mark
          | if .fence == "" and $mark != null then .fence = $mark.fence
            elif .fence != "" and $mark != null and ($mark.info | test("^\\s*$")) and (.fence as $open | $mark.fence | startswith($open))
              then .fence = ""
            elif .fence == "" then
              .details += ([$line | scan("<details")] | length) - ([$line | scan("</details>")] | length)
            else . end
        end)
      | ([.lines[] | . + "\n"] | join(""))
        + (if .fence != "" then .fence + "\n" else "" end)
        + ([range(.details) | "\n</details>\n"] | join(""))
        + "\n" + $notice + "\n"
    end'
}

# The state from its branch. A branch that cannot be read is never taken for one that is not there.
load_state() {
  [[ -n "$state_branch" ]] || return 0
  local code=0
  host_git ls-remote --exit-code --heads origin "refs/heads/$state_branch" >/dev/null || code=$?
  case "$code" in
    0) ;;
    2)
      say "There is no branch $state_branch yet: this begins with an empty state."
      return 0
      ;;
    *) stop 1 "the state branch \`$state_branch\` cannot be looked at" "may this job read the repository?" ;;
  esac
  host_git fetch --quiet --depth=1 origin "+refs/heads/$state_branch:refs/personaform/state" ||
    stop 1 "the state branch \`$state_branch\` cannot be read"
  mkdir -p "$(dirname "$dir/$state_path")"
  local part kept
  for part in "" .journal; do
    kept="refs/personaform/state:$name/state.json$part"
    if git -C "$dir" cat-file -e "$kept" 2>/dev/null; then
      git -C "$dir" cat-file blob "$kept" >"$dir/$state_path$part"
    elif git -C "$dir" cat-file -e "refs/personaform/state:$name/state.json" 2>/dev/null; then
      rm -f "$dir/$state_path$part"
    fi
  done
}

# push_state: every step must hold, also where the caller looks at the result.
push_state() {
  local part blob tree commit parent=() index="$work/index"
  if git -C "$dir" rev-parse --quiet --verify refs/personaform/state >/dev/null; then
    parent=(-p "$(git -C "$dir" rev-parse refs/personaform/state)") || return 1
    GIT_INDEX_FILE="$index" git -C "$dir" read-tree refs/personaform/state || return 1
  fi
  # A run that was stopped leaves a journal beside the state: what happened since, without which ids would be lost.
  for part in "" .journal; do
    if [[ -f "$dir/$state_path$part" ]]; then
      blob="$(git -C "$dir" hash-object -w --no-filters -- "$state_path$part")" || return 1
      GIT_INDEX_FILE="$index" git -C "$dir" update-index --add --cacheinfo "100644,$blob,$name/state.json$part" || return 1
    else
      GIT_INDEX_FILE="$index" git -C "$dir" update-index --force-remove -- "$name/state.json$part" || return 1
    fi
  done
  tree="$(GIT_INDEX_FILE="$index" git -C "$dir" write-tree)" || return 1
  if [[ ${#parent[@]} -gt 0 && "$tree" == "$(git -C "$dir" rev-parse 'refs/personaform/state^{tree}')" ]]; then
    return 0
  fi
  commit="$(GIT_AUTHOR_NAME=personaform GIT_AUTHOR_EMAIL=personaform@localhost GIT_COMMITTER_NAME=personaform \
    GIT_COMMITTER_EMAIL=personaform@localhost git -C "$dir" commit-tree "${parent[@]}" -m "$name: state" "$tree")" || return 1
  host_git push --quiet origin "$commit:refs/heads/$state_branch"
}

# The state to its branch, never by force. What cannot be pushed is kept for the pipeline to hand out.
save_state() {
  local part
  [[ -n "$state_branch" && (-f "$dir/$state_path" || -f "$dir/$state_path.journal") ]] || return 0
  push_state && return 0
  mkdir -p "$out/unsaved"
  for part in "" .journal; do
    [[ ! -f "$dir/$state_path$part" ]] || cp "$dir/$state_path$part" "$out/unsaved/state.json$part"
  done
  host_output unsaved "$out/unsaved"
  host_error "the new state could not be pushed to \`$state_branch\`; it is kept as an artifact of this run: put it there as \
\`$name/state.json\` (with its journal, if there is one) before the next run, or its new objects will be unknown"
  return 1
}

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ "${GITHUB_ACTIONS:-}" == true ]]; then
  # shellcheck source=ci/github.sh
  source "$here/github.sh"
elif [[ -n "${GITLAB_CI:-}" ]]; then
  # shellcheck source=ci/gitlab.sh
  source "$here/gitlab.sh"
else
  say "error: this runs in GitHub Actions or GitLab CI; elsewhere use personaform itself"
  exit 1
fi

[[ "$name" =~ ^[a-z0-9][a-z0-9-]{0,40}$ ]] || stop 1 "\`$name\` is no name" "use lower-case letters, digits and \`-\`"
