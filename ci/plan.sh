#!/usr/bin/env bash
# Plans a proposed change and tells it in one comment, which later runs update. Never writes to an account.
# shellcheck source=ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

host_check
mapfile -t validate_flags < <(host_validate_flags)

if host_from_outside; then
  say "This comes from a fork: its files are checked, and nothing is planned, for a plan needs the accounts' keys."
  check_without_secrets "${validate_flags[@]}" || exit $?
  exit 0
fi

marker="<!-- personaform:plan $name "
head="$(host_head)" || stop 1 "the commit that is planned is not known"

# tell DIGEST-OR-DASH MARKDOWN-FILE FOOTER
tell() {
  {
    printf '%s%s -->\n' "$marker" "$1"
    [[ "$name" == personas ]] || printf '## %s\n\n' "\`$name\`"
    fit "$((comment_limit - 1500))" "_Cut here: the comment would be too long. [The run]($(host_here)) has all of it._" <"$2"
    printf '\n%s\n' "$3"
  } >"$work/note.md"
  host_summary "$work/note.md"
  host_is_proposal || return 0
  local id
  id="$(host_find_note "$marker")" || stop 1 "the comments cannot be read" "$host_comment_help"
  # A change that touches no persona gets no comment, but one that no longer does must not keep an old plan.
  if [[ -z "$id" && "${quiet:-false}" == true ]]; then
    return 0
  fi
  host_body "$work/note.md" >"$work/note.json"
  if [[ -n "$id" ]]; then
    host_update_note "$id" "$work/note.json" || stop 1 "the comment cannot be updated" "$host_comment_help"
  else
    host_create_note "$work/note.json" || stop 1 "the comment cannot be written" "$host_comment_help"
  fi
}

# no_plan CODE WORDS: an old plan must not stand there as if it still held.
no_plan() {
  printf '**No plan:** %s. [The run](%s) tells what and where.\n' "$2" "$(host_here)" >"$work/plan.md"
  tell - "$work/plan.md" "For \`$head\`. Nothing of it will be applied."
  exit "$1"
}

code=0
run validate "${validate_flags[@]}" || code=$?
[[ "$code" == 0 ]] || no_plan "$code" "the files have problems"

load_state
logged "$work/plan.txt" plan -o "$work/plan.json" || code=$?
[[ -s "$work/plan.json" ]] || no_plan "${code/#0/1}" "planning failed"
run show "$work/plan.json" --format markdown --markdown-limit "$((comment_limit - 1500))" >"$work/plan.md" || no_plan "$?" "the plan cannot be shown"

digest="$(field '.digest | strings' "$work/plan.json")" || stop 1 "the plan has no digest"
check_digest "$digest"
quiet="$(jq '(.changes | length) + (.blocked // [] | length) + (.gates // [] | length) == 0' "$work/plan.json")"
mkdir -p "$out"
# GitLab's widget counts three kinds; what comes under an address and what is let go are told apart in the plan itself.
jq '.summary | {create: .create, update: (.update + .adopt + .move), delete: (.delete + .forget)}' "$work/plan.json" >"$out/report.json"

if [[ "$code" == 0 ]]; then
  if host_is_proposal; then
    jq -n --arg name "$name" --arg digest "$digest" --arg head "$head" --argjson proposal "$(host_proposal)" \
      '{name: $name, digest: $digest, head: $head, proposal: $proposal}' >"$out/reviewed.json"
    host_output reviewed "$out/reviewed.json"
  fi
  footer="Planned for \`$head\`. Merging this applies exactly this plan (\`$digest\`), or nothing if it no longer holds."
  host_is_proposal || footer="Planned for \`$head\`. To apply exactly this, run it by hand with the digest \`$digest\`."
else
  footer="Planned for \`$head\`, and incomplete: it will not be applied."
fi
tell "$digest" "$work/plan.md" "$footer"
host_output digest "$digest"
host_output changes "$(jq '.changes | length' "$work/plan.json")"
exit "$code"
