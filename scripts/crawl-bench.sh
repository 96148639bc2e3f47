#!/usr/bin/env bash
# crawl-bench.sh BENCH TOOLS WORK [SCENARIOS]   jingwen beside its peers in the crawl benchmark at BENCH.
#
# BENCH holds make_site.py, serve.sh, measure.py and run_all.sh; TOOLS what its setup.sh built. Writes configurations
# for the three scenarios into WORK and runs each driver in turn. Environment: JINGWEN (the program), REPS, PEERS (1: all
# peers by run_all.sh; spider: only the fastest one; none), RUNS (2: run twice on the same state).
set -euo pipefail
bench=$(realpath "$1") tools=$(realpath "$2") work=$(realpath -m "$3") scenarios=${4:-"a b c"}
jingwen=$(realpath "${JINGWEN:-target/release/jingwen}") reps=${REPS:-1} peers=${PEERS:-spider}
mkdir -p "$work/run" "$work/site"
python=python3

# scenario: hosts articles seed port latency rate concurrency
setting() {
  case $1 in
    a) echo "4 ${ARTICLES:-2000} 1 8101 0 1000000/s 16" ;;
    b) echo "16 ${ARTICLES:-500} 2 8102 50 1000000/s 8" ;;
    c) echo "32 20 3 8103 0 2/s 1" ;;
  esac
}

configure() {
  local name=$1 hosts=$2 port=$3 rate=$4 concurrency=$5 list="" seeds=""
  for n in $(seq "$hosts"); do
    list+="\"127.0.0.$n\", " seeds+="\"http://127.0.0.$n:$port/\", "
  done
  mkdir -p "$work/$name-selectors"
  cat > "$work/$name-selectors/bench.toml" <<TOML
name = "bench"
hosts = [$list]

[crawl]
seeds = [$seeds]
lists = ['^http://[^/]+/list/[a-z]+/index(_\d+)?\.htm$']
articles = ['^http://[^/]+/news/content/\d{4}-\d\d/\d\d/content_\d+(_\d+)?\.htm$']
rate = "$rate"
concurrency = $concurrency

[[template]]
name = "article"
title = "h1.article-title"
body = "div.article-content"
remove = ["p[class]"]
editors = { css = "p.editors", capture = '编辑\s+(?P<编辑>\S+)(?:\s+审读\s+(?P<审读>\S+))?(?:\s+二审\s+(?P<二审>\S+))?(?:\s+三审\s+(?P<三审>\S+))?' }
next = "a.next-page"
TOML
  cat > "$work/$name.toml" <<TOML
selectors = "$name-selectors"
sites = ["bench"]

[http]
user_agent = "jwbench-jingwen/1.0 (+http://127.0.0.1/bot)"
allow_private = ["127.0.0.0/8"]

[politeness]
rate = "$rate"
concurrency = $concurrency
sitemaps = false
TOML
}

measure() { # scenario label repeat options... -- command
  local s=$1 label=$2 r=$3
  shift 3
  "$bench/serve.sh" rotate "$work" "$s"
  $python "$bench/measure.py" --site "$work/site/$s" --logs "$work/nginx-$s/log" --work "$work/run/$s-$label-$r" \
    --label "$label" --timeout "${TMO:-240}" "$@" | tee -a "$work/results.txt" 
}

trap 'for s in $scenarios; do "$bench/serve.sh" stop "$work" "$s"; done' EXIT

for s in $scenarios; do
  read -r hosts articles seed port latency rate concurrency <<< "$(setting "$s")"
  [ -f "$work/site/$s/manifest.json" ] ||
    python3 "$bench/make_site.py" "$work/site/$s" --hosts "$hosts" --articles "$articles" --seed "$seed" --port "$port"
  configure "$s" "$hosts" "$port" "$rate" "$concurrency"
  "$bench/serve.sh" start "$work" "$s" "$work/site/$s" "$hosts" "$port" "$latency"
  limits=()
  delay=0
  if [ "$s" = c ]; then limits=(--rate 2 --conc 1) delay=500; fi
  for r in $(seq "$reps"); do
    if [ "$peers" != none ] && [ -x "$tools/target/release/spiderdrv" ]; then
      measure "$s" spider "$r" "${limits[@]}" -- "$tools/target/release/spiderdrv" {seeds} {out} "$concurrency" $delay
    fi
    measure "$s" jingwen "$r" --runs "${RUNS:-1}" "${limits[@]}" -- \
      "$jingwen" crawl --config "$work/$s.toml" --out {out} --state {state}
  done
  "$bench/serve.sh" stop "$work" "$s"
done
