#!/usr/bin/env python3
"""Leave one page out: learn from the others, clean the one. Standard library only.

    learn-rotations.py PATH/TO/jingwen [SITE ...] [--set DIR] [--markdown]

For every site with three or more articles, each page in turn is left out; `jingwen learn` sees the others, and the page
left out is cleaned with the learnt file (the generic extractor does what no learnt template fits) and with `--generic`.
Prints the character 4-shingle F1 of both against the gold, per page and site. The pages are real ones that do not belong
to this repository: without ../shared/corpus (or --set) there is nothing to do, and the script says so.
"""
import importlib.util, json, subprocess, sys, tempfile, time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent


def clean(exe, page, url, *flags):
    line = json.dumps({"id": "x", "url": url, "file": str(page)})
    done = subprocess.run([exe, "clean", "--pages", "-", *flags], input=line, capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 3) or not done.stdout:
        sys.exit(f"clean {page}: exit {done.returncode}: {done.stderr[-400:]}")
    return json.loads(done.stdout)


def main(args):
    markdown = "--markdown" in args
    args = [a for a in args if a != "--markdown"]
    corpus = HERE.parent.parent / "shared/corpus/zh"
    if "--set" in args:
        at = args.index("--set")
        corpus = Path(args[at + 1])
        del args[at : at + 2]
    if not args:
        sys.exit(__doc__)
    exe, wanted = str(Path(args[0]).resolve()), args[1:]
    if not (corpus / "gold").is_dir():
        print(f"skipped: no pages at {corpus}")
        return
    spec = importlib.util.spec_from_file_location("eval_", corpus.parent / "eval.py")
    ev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ev)

    sites = defaultdict(list)
    for path in sorted((corpus / "gold").glob("*.json")):
        gold = json.loads(path.read_text())
        if gold["is_article"]:
            sites[gold["id"].rsplit("-", 1)[0]].append(gold)
    sites = {s: g for s, g in sites.items() if (s in wanted if wanted else len(g) >= 3)}

    work = Path(tempfile.mkdtemp())
    url_of = lambda g: g["url"] or f"https://{g['site']}/"
    page_of = lambda g: next(p for p in (corpus / f"pages/{g['id']}.html.gz", corpus / f"pages/{g['id']}.html") if p.exists())
    score = lambda g, a: ev.page_f1(ev.body_score(g, a.get("text") or "", "char4"))
    means = []
    if markdown:
        print("| site | page left out | learnt from | template | learnt | generic |\n|---|---|---|---|---|---|")
    for site, golds in sites.items():
        rows = []
        for left in golds:
            others = [g for g in golds if g is not left]
            out = work / left["id"]
            prefixes = sorted({f"https://{g['site']}/" for g in others})
            began = time.time()
            done = subprocess.run(
                [exe, "learn", *(str(page_of(g)) for g in others), *(f"--url-prefix={p}" for p in prefixes), "--out", str(out)],
                capture_output=True, text=True, timeout=300)
            if done.returncode not in (0, 3):
                sys.exit(f"learn without {left['id']}: exit {done.returncode}: {done.stderr}")
            took = time.time() - began
            answer = clean(exe, page_of(left), url_of(left), "--selectors", str(out))
            generic = clean(exe, page_of(left), url_of(left), "--generic")
            learnt = next((n for n in (answer.get("template"),) if n), "generic")
            rows.append((left["id"], len(others), learnt, score(left, answer), score(left, generic), took))
        for page, n, template, a, b, took in rows:
            low = "  <-- below generic" if a < b - 0.02 else ""
            print(f"| {site} | {page} | {n} | {template} | {a:.3f} | {b:.3f} |" if markdown else
                  f"{page:14} {template:28} {a:.4f} {b:.4f}  {took:4.1f} s{low}")
        a, b = (sum(r[i] for r in rows) / len(rows) for i in (3, 4))
        means.append((site, len(rows), a, b, sum(r[2] != "generic" for r in rows), min(r[3] - r[4] for r in rows)))
    print()
    if markdown:
        print("| site | pages | by a template | learnt | generic | worst difference |\n|---|---|---|---|---|---|")
    for site, n, a, b, by, worst in means:
        print(f"| {site} | {n} | {by} | {a:.3f} | {b:.3f} | {worst:+.3f} |" if markdown else
              f"{site:14} {n} pages, {by} by a template  learnt {a:.4f}  generic {b:.4f}  worst {worst:+.4f}")
    n = sum(m[1] for m in means)
    a, b = (sum(m[i] * m[1] for m in means) / n for i in (2, 3))
    worst, by = min(m[5] for m in means), sum(m[4] for m in means)
    print(f"| **all** | {n} | {by} | **{a:.3f}** | {b:.3f} | {worst:+.3f} |" if markdown else
          f"{'all':14} {n} pages, {by} by a template  learnt {a:.4f}  generic {b:.4f}  worst {worst:+.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
