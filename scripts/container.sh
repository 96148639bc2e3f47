#!/usr/bin/env bash
# Builds the image with buildah and runs it as a scheduler would: as the image's own user, as process 1, with a read-only
# root and volumes for output and state, over a site served on loopback. Checks exit codes, that a second run continues,
# that SIGTERM ends it in time with the state saved, what the image says of itself, its size and its start.
#
#     scripts/container.sh [--build-only] [--run-only]
#
# Base images that are on this machine are used as they are; those that are not are pulled. Environment:
#   IMAGE         name of the image (jingwen)
#   CARGO_CONFIG  a cargo config.toml for the build (a mirror, a proxy), mounted for the build and not in the image
set -euo pipefail
cd "$(dirname "$0")/.."

image=${IMAGE:-jingwen}
build=yes run=yes
for arg; do
  case $arg in
    --build-only) run= ;;
    --run-only) build= ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

say() { echo "container.sh: $*"; }
fail() { say "FAILED: $*" >&2; exit 1; }
command -v buildah >/dev/null || { say "buildah is not installed (apt-get install buildah)" >&2; exit 2; }
# As root, a chroot needs no user namespaces, and vfs no overlay: both are often missing inside containers and CI.
if [ "$(id -u)" = 0 ]; then
  export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
fi
base=$(awk '$1 == "FROM" {last = $2} END {print last}' Dockerfile)

if [ -n "$build" ]; then
  # The health check is no part of OCI's format; Docker's has it.
  args=(--tag "$image" --layers=false --format docker)
  args+=(--build-arg "VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)")
  args+=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
  here=yes
  for from in $(awk '$1 == "FROM" {print $2}' Dockerfile); do
    buildah inspect --type image "$from" >/dev/null 2>&1 || here=
  done
  [ -z "$here" ] || args+=(--pull-never)
  [ ! -d /etc/ssl/certs ] || args+=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
  [ -z "${CARGO_CONFIG:-}" ] || args+=(--volume "$(realpath "$CARGO_CONFIG"):/usr/local/cargo/config.toml:ro")
  say "building $image"
  begun=$SECONDS
  buildah bud "${args[@]}" .
  say "built in $((SECONDS - begun)) s"
fi
[ -n "$run" ] || exit 0

work=$(mktemp -d)
containers=()
finish() {
  exec 3>&- || true
  # Whatever was left running by a check that failed.
  jobs -p | xargs -r kill 2>/dev/null || true
  wait || true
  for container in "${containers[@]}"; do buildah rm "$container" >/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

container=$(buildah from --pull-never "$image")
containers+=("$container")
# buildah has no read-only root of its own. As root we bind the container's root read-only in namespaces of our own;
# otherwise the checks run without that.
root=
if [ "$(id -u)" = 0 ] && unshare --mount --pid --fork true 2>/dev/null; then root=$(buildah mount "$container"); fi

# start DIR ARGUMENTS...: becomes the container's process. DIR has config/, out/ and state/.
start() {
  local dir=$1
  shift
  if [ -z "$root" ]; then
    exec buildah run --volume "$dir/config:/config:ro" --volume "$dir/out:/data/out" --volume "$dir/state:/data/state" \
      "$container" -- "$@"
  fi
  ROOT=$root DIR=$dir exec unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    merged=$DIR/root
    mkdir -p "$merged" "$ROOT/config"
    mount --bind "$ROOT" "$merged"
    mount -o remount,bind,ro "$merged"
    mount -t proc proc "$merged/proc"
    mount -t tmpfs tmpfs "$merged/tmp"
    mount --bind "$DIR/config" "$merged/config"
    mount -o remount,bind,ro "$merged/config"
    mount --bind "$DIR/out" "$merged/data/out"
    mount --bind "$DIR/state" "$merged/data/state"
    if touch "$merged/written" 2>/dev/null; then echo "the root is not read-only" >&2; exit 99; fi
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot --userspec=10001:10001 "$merged" \
      /bin/sh -c "cd /data && exec \"\$@\"" sh "$@"
  ' unshare "$@"
}

# expect CODE DIR ARGUMENTS...: runs to the end; its stderr is in DIR/log.
expect() {
  local want=$1 dir=$2 got=0
  shift 2
  (start "$dir" "$@") >"$dir/stdout" 2>"$dir/log" || got=$?
  if [ "$got" != "$want" ]; then
    cat "$dir/log" >&2
    fail "exit code $got instead of $want: $*"
  fi
}

# setup NAME ADDRESS: a folder with a configuration in which the example's site is at ADDRESS.
setup() {
  local dir=$work/$1
  mkdir -p "$dir/config"
  install -d -m 0777 "$dir/out" "$dir/state"
  cp -r examples/selectors "$dir/config/"
  rm -rf "$dir/config/selectors/pages"
  printf '%s\n' 'selectors = "selectors"' 'sites = ["pengwan"]' '[http]' \
    'user_agent = "jingwen-container-check/1.0 (+mailto:check@example.org)"' \
    "resolve = { \"news.pengwan.example\" = \"$2\" }" '[politeness]' 'patience = "2s"' \
    '[output]' 'dir = "/data/out"' '[state]' 'dir = "/data/state"' > "$dir/config/jingwen.toml"
  chmod -R a+rX "$work"
  echo "$dir"
}

# site NAME DELAY: serves the example's pages; the address is in $address, what was asked for in $requests.
site() {
  mkdir -p "$work/$1"
  requests=$work/$1/requests
  : > "$requests"
  # It ends with descriptor 3, so with this script at the latest.
  python3 scripts/serve-example.py "$work/$1" --delay "$2" <&3 &
  for _ in $(seq 100); do [ ! -e "$work/$1/port" ] || break; sleep 0.1; done
  address=127.0.0.1:$(cat "$work/$1/port")
}
mkfifo "$work/alive"
exec 3<>"$work/alive"

lines() { if [ -e "$1" ]; then wc -l < "$1"; else echo 0; fi; }
twice() { grep -E '^/(content|video|photo)/' "$1" | sort | uniq -d; }
crawl=(jingwen crawl --config /config/jingwen.toml --rate 1000/s --log-format json)

say "as user 10001${root:+, as process 1, with a read-only root}"
site quick 0
once=$(setup once "$address")
expect 0 "$once" "${crawl[@]}"
articles=$(lines "$once/out/articles.jsonl")
[ "$articles" -ge 8 ] || fail "$articles articles; the example has more than that"
[ "$(stat -c %u "$once/out/articles.jsonl")" = 10001 ] || fail "the output is not the image's user's"
say "scheduled run: exit code 0, $articles articles in /data/out/articles.jsonl"

expect 0 "$once" "${crawl[@]}"
[ "$(lines "$once/out/articles.jsonl")" = "$articles" ] || fail "a second run wrote articles again"
[ -z "$(twice "$requests")" ] || fail "asked for twice: $(twice "$requests")"
say "second run: exit code 0, no article fetched twice"

down=$(setup down 127.0.0.1:1)
expect 3 "$down" "${crawl[@]}"
say "host down: exit code 3"

broken=$(setup broken "$address")
sed -i 's/user_agent/user_agnet/' "$broken/config/jingwen.toml"
expect 2 "$broken" "${crawl[@]}"
grep -q 'did you mean `user_agent`' "$broken/log" || fail "the message does not say what to do"
say "broken configuration: exit code 2"

# The process of the container that `start` became: the child of unshare, or of buildah.
inner() {
  for _ in $(seq 50); do
    read -r child < "/proc/$1/task/$1/children" || true
    if [ -n "${child:-}" ]; then echo "$child"; return; fi
    sleep 0.1
  done
  fail "nothing was started"
}

# stop PID SECONDS: as `docker stop` does it; the exit code is in $code.
stop() {
  local begun=$EPOCHREALTIME
  kill -TERM "$(inner "$1")"
  code=0
  (sleep "$2"; kill -KILL "$1" 2>/dev/null) &
  local guard=$!
  wait "$1" || code=$?
  kill "$guard" 2>/dev/null || true
  took=$(python3 -c "print(f'{$EPOCHREALTIME - $begun:.2f}')")
}

if [ -n "$root" ]; then
  site slow 0.3
  stopped=$(setup stopped "$address")
  (start "$stopped" "${crawl[@]}") >/dev/null 2>"$stopped/log" &
  pid=$!
  for _ in $(seq 100); do [ "$(lines "$requests")" -lt 10 ] || break; sleep 0.1; done
  stop "$pid" 20
  [ "$code" = 130 ] || { cat "$stopped/log" >&2; fail "exit code $code after SIGTERM instead of 130"; }
  before=$(lines "$stopped/out/articles.jsonl")
  [ "$before" -gt 0 ] && [ "$before" -lt "$articles" ] || fail "$before articles were saved"
  say "SIGTERM: ended in $took s with exit code 130, $before articles saved"
  expect 0 "$stopped" "${crawl[@]}"
  [ "$(lines "$stopped/out/articles.jsonl")" = "$articles" ] || fail "the run after it did not finish the work"
  # What was under way when it was stopped has no answer, and is asked for again.
  again=$(twice "$requests" | wc -l)
  [ "$again" -le 1 ] || fail "asked for twice: $(twice "$requests")"
  say "run after it: exit code 0, $articles articles, $again asked for again"
else
  say "SIGTERM and read-only root: skipped, that needs root and namespaces"
fi

# The daemon, with the image's own health check beside it: stopped in the middle of a run, and started again.
if [ -n "$root" ]; then
  site steady 0.3
  daemon=$(setup daemon "$address")
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  sed -i '1i schedule = "every 2s"' "$daemon/config/jingwen.toml"
  printf '%s\n' '[daemon]' 'jitter = "0s"' >> "$daemon/config/jingwen.toml"
  sed -i 's|^rate .*|rate = "1000/s"|' "$daemon/config/selectors/pengwan.toml"
  healthy() { (start "$daemon" jingwen health --url "http://127.0.0.1:$port/$1") >/dev/null 2>&1; }
  is_there() { [ "$(lines "$daemon/out/articles.jsonl")" -ge "$1" ]; }
  # until SECONDS WHAT COMMAND...: waits until it succeeds.
  until_so() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
      [ "$SECONDS" -lt "$end" ] || { cat "$daemon/log" >&2; fail "$what"; }
      sleep 0.1
    done
  }
  boot() {
    (start "$daemon" jingwen daemon --config /config/jingwen.toml --listen "127.0.0.1:$port" --log-format json) \
      >/dev/null 2>>"$daemon/log" &
    pid=$!
  }
  halt() {
    stop "$pid" 25
    [ "$code" = 0 ] || { cat "$daemon/log" >&2; fail "exit code $code of the daemon after SIGTERM instead of 0"; }
    if healthy healthz; then fail "something answers after the daemon has ended"; fi
  }
  boot
  until_so 20 "the daemon does not answer /healthz" healthy healthz
  until_so 60 "the daemon does not crawl" is_there 2
  halt
  before=$(lines "$daemon/out/articles.jsonl")
  [ "$before" -lt "$articles" ] || fail "the daemon was stopped too late to show anything"
  say "daemon: healthy; SIGTERM in the middle of a run: ended in $took s with exit code 0, $before articles saved"
  boot
  until_so 60 "the daemon does not go on" is_there "$articles"
  until_so 20 "the daemon is not ready" healthy readyz
  halt
  again=$(twice "$requests" | wc -l)
  is_there "$((articles + 1))" && fail "the daemon wrote articles again"
  [ "$again" = 0 ] || fail "asked for twice: $(twice "$requests")"
  say "daemon started again: $articles articles, none fetched twice, ready; ended in $took s with exit code 0"
fi

# What the image says of itself.
expect 0 "$once" cat /usr/share/doc/jingwen/sbom.cdx.json
buildah inspect --type image "$image" > "$work/inspect.json"
python3 - "$work/inspect.json" "$once/stdout" <<'PYTHON'
import json
import sys

image = json.load(open(sys.argv[1], encoding="utf-8"))
config = image["Docker"]["config"]
assert config["User"] == "10001:10001", config["User"]
assert config["StopSignal"] in ("SIGTERM", "15"), config["StopSignal"]
assert config["Healthcheck"]["Test"] == ["CMD", "jingwen", "health"], config["Healthcheck"]
assert "8080/tcp" in config["ExposedPorts"], config["ExposedPorts"]
assert set(config["Volumes"]) == {"/data/out", "/data/state"}, config["Volumes"]
for label in ("title", "description", "licenses", "version", "revision", "source", "base.name"):
    assert config["Labels"].get("org.opencontainers.image." + label), label
sbom = json.load(open(sys.argv[2], encoding="utf-8"))
parts = {part["name"]: part for part in sbom["components"]}
assert sbom["bomFormat"] == "CycloneDX" and sbom["metadata"]["component"]["name"] == "jingwen"
assert {"tokio", "reqwest", "rustls", "html5ever", "sqlx-sqlite"} <= set(parts), sorted(parts)
assert all(part["purl"] and part["licenses"] and part["hashes"] for part in parts.values())
assert "proptest" not in parts, "what only tests need is no part of the program"
print(f"container.sh: labels, user, health check and stop signal are there; SBOM with {len(sbom['components'])} crates")
PYTHON

if [ -n "$root" ]; then
  under=$(buildah from --pull-never "$base")
  containers+=("$under")
  bytes() { du -sb --exclude=./proc --exclude=./sys "$1" | cut -f1; }
  size=$(bytes "$root") size_base=$(bytes "$(buildah mount "$under")")
  tenths() { echo "$(($1 / 1000000)).$(($1 / 100000 % 10))"; }
  say "image: $(tenths $((size - size_base))) MB over its base, of which the program $(tenths "$(stat -c %s "$root/usr/local/bin/jingwen")") MB"
  [ $((size - size_base)) -lt 40000000 ] || fail "the image is 40 MB or more over its base"
fi

expect 0 "$once" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do a=$(date +%s%N); jingwen --version >/dev/null; b=$(date +%s%N); echo $(((b - a) / 100000)); done'
median=$(sort -n "$once/stdout" | sed -n 5p)
say "start: $((median / 10)).$((median % 10)) ms (jingwen --version, median of 10)"
[ "$median" -lt 1000 ] || fail "it takes 100 ms or more to start"

say "all good"
