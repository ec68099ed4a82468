# shellcheck shell=bash disable=SC2034,SC2154
# GitHub, as the scripts see it. Sourced by lib.sh. All calls go through `gh api` with $GH_TOKEN.

bot="${PERSONAFORM_BOT:-github-actions[bot]}"
event="${GITHUB_EVENT_NAME:?}"
comment_limit=65000
# Artifacts and runs of other workflows prove nothing about this one.
workflow="${GITHUB_WORKFLOW_REF:-}"
workflow="${workflow#"${GITHUB_REPOSITORY:?}/"}"
workflow="${workflow%%@*}"

api() { gh api -H "Accept: application/vnd.github+json" -H "X-GitHub-Api-Version: 2022-11-28" "$@"; }

host_error() { printf '::error title=personaform::%s\n' "$(tr '\n' ' ' <<<"$1" | sed 's/%/%25/g')" >&2; }

host_output() { [[ -z "${GITHUB_OUTPUT:-}" ]] || printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }

host_summary() { [[ -z "${GITHUB_STEP_SUMMARY:-}" ]] || fit 900000 "_Cut here: the job's log has all of it._" <"$1" >>"$GITHUB_STEP_SUMMARY"; }

# Prints a text that others wrote: a line of a prompt that looks like a workflow command must not become one.
host_log() {
  local token
  token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  printf '::stop-commands::%s\n' "$token"
  cat "$1"
  printf '\n::%s::\n' "$token"
}

host_git() {
  local header
  header="$(printf 'x-access-token:%s' "${GH_TOKEN:-}" | base64 | tr -d '\n')"
  # By the environment, not as an argument, which other processes could read.
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL:-https://github.com}/.extraheader" \
    GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $header" GIT_TERMINAL_PROMPT=0 git -C "$dir" "$@"
}

host_check() {
  if [[ "$event" == pull_request_target || "$event" == workflow_run ]]; then
    stop 4 "\`$event\` hands the keys of this repository to code of a fork" "use \`pull_request\`"
  fi
}

host_validate_flags() { printf '%s\n' --format github; }

host_is_proposal() { [[ "$event" == pull_request ]]; }

# A pull request from a fork, or of a bot that gets no secrets. What cannot be told apart counts as one.
host_from_outside() {
  host_is_proposal || return 1
  local source author
  source="$(jq -r '.pull_request.head.repo.full_name // ""' "${GITHUB_EVENT_PATH:?}")"
  author="$(jq -r '.pull_request.user.login // ""' "$GITHUB_EVENT_PATH")"
  [[ "$source" != "$GITHUB_REPOSITORY" || -z "$author" || "$author" == 'dependabot[bot]' ]]
}

host_proposal() { field '.pull_request.number | numbers' "${GITHUB_EVENT_PATH:?}"; }

host_head() {
  if host_is_proposal; then field '.pull_request.head.sha | strings' "${GITHUB_EVENT_PATH:?}"; else printf '%s\n' "${GITHUB_SHA:?}"; fi
}

# host_find_note MARKER: the id of our comment, empty if there is none. Somebody else's comment with our marker is not ours.
host_find_note() {
  api --paginate "repos/$GITHUB_REPOSITORY/issues/$(host_proposal)/comments?per_page=100" |
    jq -rs --arg marker "$1" --arg bot "$bot" \
      '[.[][] | select(.user.login == $bot and (.body | startswith($marker)))] | first | .id // empty'
}

host_create_note() { api --method POST "repos/$GITHUB_REPOSITORY/issues/$(host_proposal)/comments" --input "$1" >/dev/null; }

host_update_note() { api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$1" --input "$2" >/dev/null; }

host_comment_help="the job needs \`permissions: pull-requests: write\`"

# host_find_issue MARKER
host_find_issue() {
  api --paginate "repos/$GITHUB_REPOSITORY/issues?state=open&per_page=100&creator=$(jq -rn --arg bot "$bot" '$bot | @uri')" |
    jq -rs --arg marker "$1" --arg bot "$bot" \
      '[.[][] | select(.user.login == $bot and .pull_request == null and ((.body // "") | startswith($marker)))] | first | .number // empty'
}

host_open_issue() { api --method POST "repos/$GITHUB_REPOSITORY/issues" --input "$1" >/dev/null; }

host_update_issue() { api --method PATCH "repos/$GITHUB_REPOSITORY/issues/$1" --input "$2" >/dev/null; }

# host_close_issue NUMBER BODY-FILE
host_close_issue() {
  api --method POST "repos/$GITHUB_REPOSITORY/issues/$1/comments" --input "$2" >/dev/null
  jq -n '{state: "closed", state_reason: "completed"}' >"$work/close.json"
  host_update_issue "$1" "$work/close.json"
}

host_issue_help="the job needs \`permissions: issues: write\`"

host_body() { jq -n --rawfile body "$1" --arg title "${2:-}" '{body: $body} + (if $title == "" then {} else {title: $title} end)'; }

host_here() { printf '%s/%s/actions/runs/%s' "${GITHUB_SERVER_URL:-https://github.com}" "$GITHUB_REPOSITORY" "${GITHUB_RUN_ID:-}"; }

host_is_manual() { [[ "$event" == workflow_dispatch ]]; }

# Only what stands on the default branch is ever applied.
host_may_apply() {
  local branch
  [[ "$event" == push || "$event" == workflow_dispatch ]] ||
    stop 4 "nothing is applied on \`$event\`" "apply on \`push\` to the default branch"
  branch="$(field '.repository.default_branch | strings' "${GITHUB_EVENT_PATH:?}")" || stop 1 "the event names no default branch"
  [[ "${GITHUB_REF:-}" == "refs/heads/$branch" ]] || stop 4 "nothing is applied from \`${GITHUB_REF:-}\`" "merge into \`$branch\`"
}

# Sets `reviewed`: the digest of the plan that was reviewed, from the artifact of this workflow's run on the head of the merged pull request.
#
# Comments can be edited by whoever may write to the repository, and statuses and checks be set by any workflow on any branch. An
# artifact is bound to its run, cannot be changed once that has ended, and says which commit and which workflow made it.
host_reviewed() {
  local pull number head runs id artifact by_hand
  by_hand="run this workflow by hand: without a digest it plans, and with the digest of that plan it applies"
  api --paginate "repos/$GITHUB_REPOSITORY/commits/${GITHUB_SHA:?}/pulls?per_page=100" |
    jq -s --arg sha "$GITHUB_SHA" --arg branch "${GITHUB_REF#refs/heads/}" \
      '[.[][] | select(.merged_at != null and .merge_commit_sha == $sha and .base.ref == $branch)]' >"$work/pulls.json" ||
    stop 1 "the pull request of $GITHUB_SHA cannot be looked up" "the job needs \`permissions: pull-requests: read\`"
  [[ "$(jq length "$work/pulls.json")" == 1 ]] ||
    stop 4 "no merged pull request belongs to $GITHUB_SHA, so nobody reviewed a plan" "$by_hand"
  pull="$work/pull.json"
  jq '.[0]' "$work/pulls.json" >"$pull"
  number="$(field '.number | numbers' "$pull")"
  head="$(field '.head.sha | strings' "$pull")"
  [[ "$(jq -r '.head.repo.full_name // ""' "$pull")" == "$GITHUB_REPOSITORY" ]] ||
    stop 4 "pull request #$number came from a fork, where nothing is planned" "$by_hand"
  runs="repos/$GITHUB_REPOSITORY/actions/runs?head_sha=$head&event=pull_request&status=success&per_page=100"
  api --paginate "$runs" |
    jq -rs --arg head "$head" --arg path "$workflow" --arg repository "$GITHUB_REPOSITORY" \
      '[.[].workflow_runs[] | select(.head_sha == $head and .event == "pull_request" and .conclusion == "success"
          and (.path | sub("@.*"; "")) == $path and .head_repository.full_name == $repository)]
       | sort_by(.run_number) | reverse | .[].id' >"$work/runs" ||
    stop 1 "the runs of pull request #$number cannot be looked up" "the job needs \`permissions: actions: read\`"
  while read -r id; do
    artifact="$work/artifact-$id"
    gh run download "$id" --repo "$GITHUB_REPOSITORY" --name "personaform-$name" --dir "$artifact" >&2 || continue
    if jq -e --arg name "$name" --arg head "$head" --argjson number "$number" \
      '.name == $name and .head == $head and .proposal == $number' "$artifact/reviewed.json" >/dev/null 2>&1; then
      say "Reviewed in pull request #$number at $head, run $id."
      reviewed="$(field '.digest | strings' "$artifact/reviewed.json")"
      return 0
    fi
  done <"$work/runs"
  stop 4 "pull request #$number has no finished plan of its last commit $head (or its artifact has expired)" "$by_hand"
}
