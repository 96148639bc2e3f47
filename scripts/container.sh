#!/usr/bin/env bash
# Builds the image with buildah and runs the example's crawl in it: as the image's own user, with a read-only root,
# volumes for output and state, and no network.
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
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done

command -v buildah >/dev/null || { echo "container.sh: buildah is not installed (apt-get install buildah)" >&2; exit 2; }
# As root, a chroot needs no user namespaces, and vfs no overlay: both are often missing inside containers and CI.
if [ "$(id -u)" = 0 ]; then
  export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
fi

if [ -n "$build" ]; then
  args=(--tag "$image" --layers=false)
  bases=$(awk '$1 == "FROM" {print $2}' Dockerfile)
  here=yes
  for base in $bases; do buildah inspect --type image "$base" >/dev/null 2>&1 || here=; done
  [ -z "$here" ] || args+=(--pull-never)
  [ ! -d /etc/ssl/certs ] || args+=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
  [ -z "${CARGO_CONFIG:-}" ] || args+=(--volume "$(realpath "$CARGO_CONFIG"):/usr/local/cargo/config.toml:ro")
  echo "container.sh: building $image"
  buildah bud "${args[@]}" .
fi
[ -n "$run" ] || exit 0

work=$(mktemp -d)
container=$(buildah from --pull-never "$image")
trap 'buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT
install -d -m 0777 "$work/out" "$work/state"
crawl=(crawl --config /example/jingwen.toml --replay /example/site.warc.gz --out /data/out --state /data/state)

# buildah has no read-only root of its own. As root we bind the container's root read-only in a mount namespace of our own;
# otherwise the example runs without that.
root=$(if [ "$(id -u)" = 0 ]; then buildah mount "$container"; fi)
if [ -n "$root" ] && unshare --mount --net true 2>/dev/null; then
  echo "container.sh: crawling in $image, root read-only, user 10001, no network"
  ROOT=$root WORK=$work EXAMPLE=$PWD/examples unshare --mount --net bash -euo pipefail -c '
    merged=$WORK/root
    mkdir -p "$merged" "$ROOT/example"
    mount --bind "$ROOT" "$merged"
    mount -o remount,bind,ro "$merged"
    mount --bind "$EXAMPLE" "$merged/example"
    mount -o remount,bind,ro "$merged/example"
    mount --bind "$WORK/out" "$merged/data/out"
    mount --bind "$WORK/state" "$merged/data/state"
    if touch "$merged/written" 2>/dev/null; then echo "the root is not read-only" >&2; exit 1; fi
    exec chroot --userspec=10001:10001 "$merged" /bin/sh -c "cd /data && exec jingwen \"\$@\"" jingwen "$@"
  ' unshare "${crawl[@]}"
else
  echo "container.sh: crawling in $image (root not read-only: that needs root and unshare)"
  buildah run --volume "$PWD/examples:/example:ro" --volume "$work/out:/data/out" --volume "$work/state:/data/state" \
    "$container" -- jingwen "${crawl[@]}"
fi

articles=$(wc -l < "$work/out/articles.jsonl")
echo "container.sh: $articles articles in /data/out/articles.jsonl"
[ "$articles" -ge 8 ] || { echo "container.sh: the example has more than that" >&2; exit 1; }
