# shellcheck shell=bash disable=SC2034,SC2154
# GitLab, as the scripts see it. Sourced by lib.sh. All calls go to the API with $PERSONAFORM_GITLAB_TOKEN, a project access token.

event="${CI_PIPELINE_SOURCE:?}"
comment_limit=900000
plan_job="${PERSONAFORM_PLAN_JOB:-personaform:plan}"

# api METHOD PATH [BODY-FILE]. The token goes through a file descriptor, not as an argument, which other processes could read.
api() {
  local body=()
  [[ -z "${3:-}" ]] || body=(--header "Content-Type: application/json" --data-binary "@$3")
  curl --silent --show-error --fail-with-body --max-time 60 --request "$1" \
    --config <(printf 'header = "PRIVATE-TOKEN: %s"\n' "${PERSONAFORM_GITLAB_TOKEN:?needs a project access token}") \
    "${body[@]}" "${CI_API_V4_URL:?}/projects/${CI_PROJECT_ID:?}/$2"
}

# All pages of a list.
api_all() {
  local page=1 mark='?'
  [[ "$1" != *\?* ]] || mark='&'
  while :; do
    api GET "$1${mark}per_page=100&page=$page" >"$work/page.json" || return 1
    cat "$work/page.json"
    [[ "$(jq length "$work/page.json")" -ge 100 ]] || return 0
    page=$((page + 1))
  done
}

host_error() { say "error: $1"; }

host_output() { :; }

host_summary() { cat "$1"; }

host_log() { cat "$1"; }

host_git() {
  local header
  header="$(printf 'oauth2:%s' "${PERSONAFORM_GITLAB_TOKEN:-}" | base64 | tr -d '\n')"
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.${CI_SERVER_URL:?}/.extraheader" \
    GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $header" GIT_TERMINAL_PROMPT=0 git -C "$dir" "$@"
}

host_check() { :; }

host_validate_flags() { :; }

host_is_proposal() { [[ "$event" == merge_request_event ]]; }

# A merge request from a fork, whether its pipeline runs there or was started here. What cannot be told apart counts as one.
host_from_outside() {
  host_is_proposal || return 1
  [[ -z "${CI_PROJECT_ID:-}" || "${CI_MERGE_REQUEST_SOURCE_PROJECT_ID:-}" != "$CI_PROJECT_ID" ||
    "${CI_MERGE_REQUEST_PROJECT_ID:-}" != "$CI_PROJECT_ID" ]]
}

host_proposal() { printf '%s\n' "${CI_MERGE_REQUEST_IID:?}"; }

# A pipeline of a merged result runs on a commit that nobody pushed; the branch's own is the one that is reviewed.
host_head() { printf '%s\n' "${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-${CI_COMMIT_SHA:?}}"; }

# Whose token this is: nobody else's notes and issues are ever touched.
me() {
  [[ -z "${PERSONAFORM_BOT:-}" ]] || { jq -n --arg name "$PERSONAFORM_BOT" '$name'; return; }
  curl --silent --show-error --fail-with-body --max-time 60 \
    --config <(printf 'header = "PRIVATE-TOKEN: %s"\n' "${PERSONAFORM_GITLAB_TOKEN:?needs a project access token}") \
    "${CI_API_V4_URL:?}/user" | jq -e '.username | strings'
}

host_find_note() {
  local user
  user="$(me)" || return 1
  api_all "merge_requests/$(host_proposal)/notes?sort=asc" |
    jq -rs --arg marker "$1" --argjson user "$user" \
      '[.[][] | select(.system != true and .author.username == $user and (.body | startswith($marker)))] | first | .id // empty'
}

host_create_note() { api POST "merge_requests/$(host_proposal)/notes" "$1" >/dev/null; }

host_update_note() { api PUT "merge_requests/$(host_proposal)/notes/$1" "$2" >/dev/null; }

host_comment_help="PERSONAFORM_GITLAB_TOKEN needs the scope \`api\` and the role Reporter"

host_find_issue() {
  local user
  user="$(me)" || return 1
  api_all "issues?state=opened&scope=all" |
    jq -rs --arg marker "$1" --argjson user "$user" \
      '[.[][] | select(.author.username == $user and ((.description // "") | startswith($marker)))] | first | .iid // empty'
}

as_issue() { jq '{description: .body} + (if .title then {title} else {} end)' "$1" >"$work/issue.json"; }

host_open_issue() { as_issue "$1" && api POST issues "$work/issue.json" >/dev/null; }

host_update_issue() { as_issue "$2" && api PUT "issues/$1" "$work/issue.json" >/dev/null; }

host_close_issue() {
  api POST "issues/$1/notes" "$2" >/dev/null
  jq -n '{state_event: "close"}' >"$work/close.json"
  api PUT "issues/$1" "$work/close.json" >/dev/null
}

host_issue_help="$host_comment_help"

host_body() { jq -n --rawfile body "$1" --arg title "${2:-}" '{body: $body} + (if $title == "" then {} else {title: $title} end)'; }

host_here() { printf '%s' "${CI_PIPELINE_URL:-}"; }

host_is_manual() { [[ "$event" == web || "$event" == api ]]; }

host_may_apply() {
  [[ "$event" == push || "$event" == web || "$event" == api ]] ||
    stop 4 "nothing is applied on \`$event\`" "apply on a push to the default branch"
  [[ -n "${CI_COMMIT_BRANCH:-}" && "$CI_COMMIT_BRANCH" == "${CI_DEFAULT_BRANCH:-}" ]] ||
    stop 4 "nothing is applied from \`${CI_COMMIT_REF_NAME:-}\`" "merge into \`${CI_DEFAULT_BRANCH:-}\`"
  [[ "${CI_COMMIT_REF_PROTECTED:-}" == true ]] ||
    stop 4 "nothing is applied from a branch that everybody may push to" "protect \`$CI_COMMIT_BRANCH\`"
}

# Sets `reviewed`: the digest of the plan that was reviewed, from the artifact of the plan job on the last commit of the merged merge request.
host_reviewed() {
  local number head pipeline job by_hand
  by_hand="run a pipeline by hand: without PERSONAFORM_EXPECT it plans, and with the digest of that plan it applies"
  api_all "repository/commits/${CI_COMMIT_SHA:?}/merge_requests" |
    jq -s --arg sha "$CI_COMMIT_SHA" --arg branch "$CI_COMMIT_BRANCH" \
      '[.[][] | select(.state == "merged" and .target_branch == $branch
          and (.merge_commit_sha == $sha or .squash_commit_sha == $sha or .sha == $sha))]' >"$work/pulls.json" ||
    stop 1 "the merge request of $CI_COMMIT_SHA cannot be looked up" "$host_comment_help"
  [[ "$(jq length "$work/pulls.json")" == 1 ]] ||
    stop 4 "no merge request belongs to $CI_COMMIT_SHA, so nobody reviewed a plan" "$by_hand"
  number="$(field '.[0].iid | numbers' "$work/pulls.json")"
  head="$(field '.[0].sha | strings' "$work/pulls.json")"
  [[ "$(jq -r '.[0].source_project_id' "$work/pulls.json")" == "$CI_PROJECT_ID" ]] ||
    stop 4 "merge request !$number came from a fork, where nothing is planned" "$by_hand"
  api_all "merge_requests/$number/pipelines" |
    jq -rs --argjson project "$CI_PROJECT_ID" \
      '[.[][] | select(.source == "merge_request_event" and .project_id == $project)] | sort_by(.id) | reverse | .[].id' >"$work/runs" ||
    stop 1 "the pipelines of merge request !$number cannot be looked up" "$host_comment_help"
  while read -r pipeline; do
    api_all "pipelines/$pipeline/jobs?scope[]=success" |
      jq -rs --arg job "$plan_job" '[.[][] | select(.name == $job)] | sort_by(.id) | last | .id // empty' >"$work/job"
    job="$(cat "$work/job")"
    [[ -n "$job" ]] || continue
    api GET "jobs/$job/artifacts/personaform-ci/reviewed.json" >"$work/reviewed.json" || continue
    if jq -e --arg name "$name" --arg head "$head" --argjson number "$number" \
      '.name == $name and .head == $head and .proposal == $number' "$work/reviewed.json" >/dev/null 2>&1; then
      say "Reviewed in merge request !$number at $head, job $job."
      reviewed="$(field '.digest | strings' "$work/reviewed.json")"
      return 0
    fi
  done <"$work/runs"
  stop 4 "merge request !$number has no finished plan of its last commit $head (or its artifact has expired)" "$by_hand"
}
