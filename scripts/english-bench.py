#!/usr/bin/env python3
"""English pages: scrapinghub/article-extraction-benchmark, scored by its own evaluate.py. Standard library only.

    english-bench.py PATH/TO/jingwen BENCHMARK [--peers] [--worst N] [--out FILE] [-- FLAGS OF clean]

BENCHMARK is a checkout of that repository (html/*.html.gz, ground-truth.json, evaluate.py); it is only read. Prints F1,
precision and recall (4-word shingles) of `clean --generic`; with --peers those of the outputs in its folder `output` as
well, and with --worst the pages that cost most: their figures, and the text that was kept wrongly (+) or lost (-).
--out writes the answers in the benchmark's format (`{"ID": {"articleBody": ...}}`). Pages and texts belong to their
publishers and are not part of this repository.
"""
import argparse, difflib, importlib.util, json, re, subprocess, sys, tempfile
from pathlib import Path


def clean(exe, bench, truth, flags):
    with tempfile.TemporaryDirectory() as work:
        pages = Path(work) / "pages.jsonl"
        with pages.open("w", encoding="utf-8") as f:
            for key, true in truth.items():
                line = {"id": key, "url": true.get("url"), "file": str(bench / "html" / f"{key}.html.gz")}
                f.write(json.dumps(line) + "\n")
        done = subprocess.run([exe, "clean", "--generic", "--pages", str(pages), *flags], capture_output=True, timeout=600)
    if done.returncode not in (0, 3):
        sys.exit(f"clean: exit {done.returncode}: {done.stderr.decode()[-400:]}")
    # Not splitlines: a text may hold U+2028.
    return {a["id"]: a for a in (json.loads(line) for line in done.stdout.decode().split("\n") if line)}


def words(text):
    return re.findall(r"\w+", text.lower())


def differences(true, pred, least=4):
    """Runs of words that only one of the texts has: ('+', kept wrongly) or ('-', lost)."""
    a, b = words(true), words(pred)
    for op, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op != "equal" and j - i >= least:
            yield "-", " ".join(a[i:j])
        if op != "equal" and m - k >= least:
            yield "+", " ".join(b[k:m])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("jingwen", type=Path)
    ap.add_argument("benchmark", type=Path)
    ap.add_argument("--peers", action="store_true")
    ap.add_argument("--worst", type=int, default=0)
    ap.add_argument("--out", type=Path)
    ap.add_argument("flags", nargs="*", help="after --: given to clean")
    a = ap.parse_args()
    bench = a.benchmark.resolve()
    if not (bench / "ground-truth.json").is_file():
        sys.exit(f"no ground-truth.json in {bench}: give a checkout of scrapinghub/article-extraction-benchmark")
    spec = importlib.util.spec_from_file_location("evaluate", bench / "evaluate.py")
    ev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ev)
    truth = ev.load_json(bench / "ground-truth.json")
    answers = clean(str(a.jingwen.resolve()), bench, truth, a.flags)
    ours = {key: {"articleBody": (answers.get(key) or {}).get("text") or ""} for key in truth}
    if a.out:
        a.out.write_text(json.dumps(ours, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")

    table = {"jingwen": ours}
    if a.peers:
        for path in sorted((bench / "output").glob("*.json")):
            try:
                loaded = ev.load_prediction(path) if hasattr(ev, "load_prediction") else (ev.load_json(path), "")
                table[path.stem] = loaded[0]
            except (ValueError, OSError) as why:
                print(f"{path.name}: not read: {why}", file=sys.stderr)
    print(f"{'':<22} {'F1':<15} {'precision':<15} {'recall':<15}")
    rows = {name: ev.evaluate(truth, p, 1000) for name, p in table.items() if p.keys() == truth.keys()}
    for name, m in sorted(rows.items(), key=lambda r: -r[1]["f1"]):
        print(f"{name:<22} " + "  ".join(f"{m[k]:.3f} ± {m[k + '_std']:.3f}" for k in ("f1", "precision", "recall")))
    refused = [key for key in truth if (answers.get(key) or {}).get("rejected")]
    print(f"{len(truth)} pages, {len(refused)} refused")
    for key in refused:
        print(f"  {key[:8]} {answers[key]['rejected']}: {answers[key]['detail']}  {truth[key].get('url')}")

    def f1(key):
        tp, fp, fn = ev.string_shingle_matching(truth[key].get("articleBody", ""), ours[key]["articleBody"])
        return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0

    each = {key: f1(key) for key in truth}
    for key in sorted(each, key=each.get)[: a.worst]:
        print(f"\n{each[key]:.3f} {key[:8]} {truth[key].get('url')}")
        for sign, run in differences(truth[key].get("articleBody", ""), ours[key]["articleBody"]):
            print(f"  {sign} {run if len(run) < 160 else run[:110] + ' … ' + run[-40:]}")


if __name__ == "__main__":
    main()
