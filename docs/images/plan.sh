#!/usr/bin/env bash
# Makes docs/images/plan.png anew: one realistic change of the example cast (a prompt edited in three places, a voice changed, a
# persona removed, a greeting changed in a dashboard), planned in the sandbox, and its page looked at by headless Chromium.
# Usage, from the repository's root: docs/images/plan.sh [FOLDER]   The folder keeps the plan in all other forms too.
set -euo pipefail
cargo build --quiet
personaform="$PWD/target/debug/personaform"
picture="$PWD/docs/images/plan.png"
cast="$(mktemp -d)"
profile="$(mktemp -d)"
sandbox=""
trap '[[ -z "$sandbox" ]] || kill -9 "$sandbox" 2>/dev/null || true; rm -rf "$cast" "$profile"' EXIT
cp -r personaform.yaml personas "$cast"
out="$(mkdir -p "${1:-$cast}" && cd "${1:-$cast}" && pwd)"
cd "$cast"
"$personaform" --sandbox apply -y -q >/dev/null

# The dashboard.
"$personaform" sandbox --listen 127.0.0.1:7171 --format json >served.json &
sandbox=$!
for _ in {1..100}; do
  [[ ! -s served.json ]] || break
  sleep 0.1
done
id="$(jq -r '.objects["tavus.support-guide"].id' .personaform/sandbox/state.json)"
curl --silent --show-error --fail --request PATCH --header "$(jq -r .accounts.tavus.header served.json)" \
  --header 'Content-Type: application/json' --data '[{"op": "replace", "path": "/greeting", "value": "Heyyy! Support Guide here 🎉 what'"'"'s up?"}]' \
  "$(jq -r .accounts.tavus.base_url served.json)/v2/personas/$id" >/dev/null
kill -9 "$sandbox"
{ wait "$sandbox" || true; } 2>/dev/null
sandbox=""

# The files.
prompt=personas/prompts/support-guide.md
sed -i 's/^3\. Solve it in this conversation, or hand/3. Solve it in this conversation. If two tries fail, hand/' "$prompt"
sed -i 's/Possible for 1 to 3 months/Possible for 1 to 6 months/' "$prompt"
sed -i '/^- Plain words:/a - Never sound rushed, even when the queue is long.' "$prompt"
sed -i 's/voice: June/voice: Maya/' personas/support-guide.yaml
rm personas/sales-qualifier.yaml served.json

reports=()
for report in markdown=plan.md html=plan.html github=plan.log gitlab-plan=plan.gitlab.json text=plan.txt; do
  reports+=(--report "${report%%=*}=$out/${report#*=}")
done
"$personaform" --sandbox plan -q -o "$out/plan.json" "${reports[@]}"
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars \
  --user-data-dir="$profile" --window-size=1280,1876 --screenshot="$picture" "file://$out/plan.html" >/dev/null 2>&1
