#!/usr/bin/env bash
# The whole way in a minute: a server, a commit of a workspace, its packages
# installed with npm, and the comment that a pull request would get.
# Usage: examples/demo.sh DIR, the folder of the two programs.
set -euo pipefail
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap cleanup EXIT
step() { printf '\n== %s\n' "$*"; }

step "Start the server on its embedded stores"
"$bin/registry-server" --port 0 --data "$scratch/data" --log-level error >"$scratch/server.log" &
server=$!
for _ in $(seq 100); do
  url=$(sed -n 's/^ *links begin with //p' "$scratch/server.log")
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { echo "the server did not start" >&2; exit 1; }
cat "$scratch/server.log"

step "Commit a workspace of three packages that depend on each other"
cp -R "$here/workspace" "$scratch/workspace"
cd "$scratch/workspace"
git -c init.defaultBranch=main init -q
git remote add origin https://github.com/hello/workspace.git
git add -A
git -c user.name=Demo -c user.email=demo@example.com -c commit.gpgsign=false commit -q -m "Say hello"
git log --oneline

step "Publish the commit, as CI would on a pull request"
export REGISTRY_URL=$url
unset GITHUB_ACTIONS GITHUB_TOKEN REGISTRY_TOKEN PANTRY_REGISTRY_TOKEN
"$bin/publish-commit" --ref pr/7 --package-managers npm,pnpm --show-comment >"$scratch/comment.md"

step "Install it with npm, by the pull request's number, and run it"
mkdir "$scratch/app"
cd "$scratch/app"
echo '{"name": "app", "version": "1.0.0", "private": true}' >package.json
npm install -E hello-cli@pr-7 --registry "$url/~/hello/workspace" --no-audit --no-fund --loglevel=error
npx hello "from a pull request"

step "The same server is a registry: publish a release, and install it with what it needs from upstream"
mkdir "$scratch/tool"
cd "$scratch/tool"
echo '{"name": "@hello/tool", "version": "1.0.0", "dependencies": {"is-odd": "3.0.1"}}' >package.json
npm publish --registry "$url" "--${url#http:}/:_authToken=none" --loglevel=error
cd "$scratch/app"
npm install @hello/tool --registry "$url" --no-audit --no-fund --loglevel=error
npm ls --all

step "The comment that the pull request would get"
cat "$scratch/comment.md"

step "Stop the server"
kill "$server"
wait "$server"
server=
echo "stopped cleanly"
