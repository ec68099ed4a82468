#!/usr/bin/env bash
# Applies on the default branch what was reviewed: plans again, and goes on only if that is the reviewed plan.
# shellcheck source=ci/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

host_check
host_may_apply

if [[ -n "${PERSONAFORM_EXPECT:-}" ]]; then
  host_is_manual || stop 4 "a digest by hand is for runs that are started by hand" "leave it out: the merged change's own is found"
  expected="$PERSONAFORM_EXPECT"
else
  ! host_is_manual || stop 4 "a run by hand needs the digest of the plan that you reviewed" "plan first: the summary shows it"
  host_reviewed
  expected="${reviewed:?}"
fi
check_digest "$expected"

load_state
# In the background, so that a job that is cancelled can tell the run, wait for its end, and still save the state.
logged "$work/outcome.txt" apply --expect "$expected" -y --report "markdown=$work/outcome.md" &
child=$!
trap 'pkill -INT -P "$child" || true' INT TERM
code=0
wait "$child" || code=$?
while kill -0 "$child" 2>/dev/null; do
  code=0
  wait "$child" || code=$?
done
trap '' INT TERM
# Whatever happened, the ids of what was made must not be lost.
saved=0
save_state || saved=$?
[[ ! -s "$work/outcome.md" ]] || host_summary "$work/outcome.md"
if [[ "$code" == 4 ]]; then
  host_error "nothing was applied: the plan is not the one that was reviewed, or a gate is closed, as said above. Plan again \
on the default branch (by hand), review it, and apply it with its digest; or open a new change"
fi
[[ "$code" != 0 || "$saved" == 0 ]] || code=1
exit "$code"
