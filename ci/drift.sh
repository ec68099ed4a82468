#!/usr/bin/env bash
# Looks for drift and keeps one issue about it: opened, updated in place, and closed when there is none any more. Only reads.
# shellcheck source=ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

host_check
! host_is_proposal || stop 4 "drift is watched on a schedule, not in a proposed change"
load_state

code=0
logged "$work/drift.txt" drift --report "markdown=$work/drift.md" --markdown-limit "$((comment_limit - 1500))" \
  -o "$work/drift.json" || code=$?
case "$code" in
  0 | 1 | 2) ;;
  *) exit "$code" ;;
esac
# Without an answer nothing is known, so no issue is touched.
[[ -s "$work/drift.json" ]] || exit 1
count="$(field '.summary.changed + .summary.gone | numbers' "$work/drift.json")" || exit 1
host_output drifted "$count"

marker="<!-- personaform:drift $name -->"
issue="$(host_find_issue "$marker")" || stop 1 "the issues cannot be read" "$host_issue_help"

if [[ "$count" -gt 0 ]]; then
  {
    printf '%s\n' "$marker"
    printf 'Somebody changed personas elsewhere since they were last written from this repository. '
    printf 'Applying puts them right; what shall stay goes into the files. '
    printf 'This issue is kept up to date, and closed when nothing differs any more. [The last look](%s)\n\n' "$(host_here)"
    cat "$work/drift.md"
  } >"$work/issue.md"
  title="Personas have drifted"
  [[ "$name" == personas ]] || title="$title: $name"
  host_body "$work/issue.md" "$title" >"$work/issue-body.json"
  if [[ -n "$issue" ]]; then
    host_update_issue "$issue" "$work/issue-body.json" || stop 1 "the issue cannot be updated" "$host_issue_help"
  else
    host_open_issue "$work/issue-body.json" || stop 1 "the issue cannot be opened" "$host_issue_help"
  fi
elif [[ -n "$issue" && "$code" == 0 ]]; then
  printf 'Nothing differs any more. [The last look](%s)\n' "$(host_here)" >"$work/issue.md"
  host_body "$work/issue.md" >"$work/issue-body.json"
  host_close_issue "$issue" "$work/issue-body.json" || stop 1 "the issue cannot be closed" "$host_issue_help"
fi

# The issue is the alarm; whoever wants a red run too says so.
[[ "$code" != 2 || "${PERSONAFORM_FAIL_ON_DRIFT:-false}" == true ]] || code=0
exit "$code"
