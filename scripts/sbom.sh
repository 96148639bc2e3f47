#!/bin/sh
# Writes what is linked into the program as CycloneDX JSON: each crate with its version, licence, origin and checksum, and
# which needs which. Made from `cargo tree` (so without crates that only tests, benches or other platforms need) and
# Cargo.lock. Needs nothing but cargo, and awk: it runs in the container's build stage.
#
#     scripts/sbom.sh [--target TRIPLE] > sbom.cdx.json
set -eu
cd "$(dirname "$0")/.."

cargo tree --locked -p jingwen --edges normal,build --prefix depth --format '|{p}|{l}' "$@" > "${TMPDIR:-/tmp}/sbom.$$"
trap 'rm -f "${TMPDIR:-/tmp}/sbom.$$"' EXIT

awk -v tree="${TMPDIR:-/tmp}/sbom.$$" '
  function text(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
  function purl(crate,  at) { at = index(crate, " "); return "pkg:cargo/" substr(crate, 1, at - 1) "@" substr(crate, at + 1) }
  # Cargo.lock: checksums by name and version.
  $1 == "name" { name = $3; gsub(/"/, "", name) }
  $1 == "version" { version = $3; gsub(/"/, "", version) }
  $1 == "checksum" { sum = $3; gsub(/"/, "", sum); checksum[name " " version] = sum }
  END {
    while ((getline line < tree) > 0) {
      n = split(line, part, "|")
      depth = part[1] + 0
      split(part[2], word, " ")
      crate = word[1] " " substr(word[2], 2)
      licence[crate] = part[3]
      sub(/ \(\*\)$/, "", licence[crate])
      if (depth == 0 && root == "") root = crate
      if (!(crate in place)) { order[count++] = crate; place[crate] = count }
      stack[depth] = crate
      if (depth > 0) {
        edge = stack[depth - 1] "|" crate
        if (!(edge in known)) { known[edge] = 1; needs[stack[depth - 1]] = needs[stack[depth - 1]] (needs[stack[depth - 1]] == "" ? "" : ", ") text(purl(crate)) }
      }
    }
    if (root == "") { print "sbom.sh: cargo tree printed nothing" > "/dev/stderr"; exit 1 }
    split(root, word, " ")
    printf "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n  \"metadata\": {\n    \"component\": {"
    printf " \"type\": \"application\", \"bom-ref\": %s, \"name\": %s, \"version\": %s, \"purl\": %s,", text(purl(root)), text(word[1]), text(word[2]), text(purl(root))
    printf " \"licenses\": [{ \"expression\": %s }] }\n  },\n  \"components\": [", text(licence[root])
    for (i = 0; i < count; i++) {
      crate = order[i]
      if (crate == root) continue
      split(crate, word, " ")
      spdx = licence[crate]
      gsub(/ ?\/ ?/, " OR ", spdx)
      printf "%s\n    { \"type\": \"library\", \"bom-ref\": %s, \"name\": %s, \"version\": %s, \"purl\": %s", between, text(purl(crate)), text(word[1]), text(word[2]), text(purl(crate))
      if (spdx != "") printf ", \"licenses\": [{ \"expression\": %s }]", text(spdx)
      if (crate in checksum) printf ", \"hashes\": [{ \"alg\": \"SHA-256\", \"content\": %s }]", text(checksum[crate])
      printf " }"
      between = ","
    }
    printf "\n  ],\n  \"dependencies\": ["
    between = ""
    for (i = 0; i < count; i++) {
      crate = order[i]
      printf "%s\n    { \"ref\": %s, \"dependsOn\": [%s] }", between, text(purl(crate)), needs[crate]
      between = ","
    }
    print "\n  ]\n}"
  }
' Cargo.lock
