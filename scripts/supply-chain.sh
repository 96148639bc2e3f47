#!/usr/bin/env bash
# supply-chain.sh   what the dependencies may be, and what is known against them: cargo deny and cargo audit.
#
# Installs the two tools if they are missing (some minutes; INSTALL=0 leaves them out). Licences, bans and sources are
# always checked; advisories where the advisory database can be had: ADVISORIES=FOLDER names a copy of it, else it is
# fetched. What could not be checked is said.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # tool: is there, or is installed
  command -v "$1" >/dev/null && return
  [ "${INSTALL:-1}" = 1 ] || return 1
  # Built to be there soon, not to be quick.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    timeout "${INSTALL_TIME:-1200}" cargo install --locked --quiet "$1" && command -v "$1" >/dev/null
}

advisories=${ADVISORIES:-}
if [ -z "$advisories" ]; then
  fetched=${TMPDIR:-/tmp}/advisory-db.$$
  trap 'rm -rf "$fetched"' EXIT
  if timeout 60 git clone --quiet --depth 1 https://github.com/rustsec/advisory-db "$fetched" 2>/dev/null; then
    advisories=$fetched
  fi
fi

if need cargo-deny; then
  cargo deny --locked check licenses bans sources
else
  echo "cargo-deny is not to be had: licences, bans and sources are not checked"
fi

if [ -z "$advisories" ]; then
  echo "the advisory database cannot be reached: advisories are not checked"
elif need cargo-audit; then
  cargo audit --db "$advisories" --no-fetch --stale
else
  echo "cargo-audit is not to be had: advisories are not checked"
fi
