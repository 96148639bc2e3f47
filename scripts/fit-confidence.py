#!/usr/bin/env python3
"""Fits the weights of the confidence to pages with texts chosen by hand. Needs numpy.

    fit-confidence.py PATH/TO/jingwen CORPUS [--write] [--cache FILE]

CORPUS holds zh/ and zh2011/ (pages/, gold/), en/ (pages.jsonl.gz, gold.jsonl.gz) and eval.py. Every page is cleaned by
`clean --generic --signals`; a text is good where its F1 is at least 0.8. Prints how well the confidence tells good texts from
bad ones, on sites that were left out of the fit: the area under the ROC curve, the share of texts below 0.5 among the surest 95 %,
and the weights. --write replaces crates/core/src/clean/confidence/weights.rs. --cache keeps the measurements between calls.
"""
import argparse, gzip, importlib.util, json, re, subprocess, tempfile, zlib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

GOOD = 0.8
HERE = Path(__file__).resolve().parent.parent / "crates/core/src/clean/confidence"
OUT = HERE / "weights.rs"
# Strength of the ridge penalty; the best on groups of sites left out is taken.
PENALTIES = [3, 8, 20]
GROUPS = 12


def word_f1(pred, gold):
    p, g = (Counter(re.findall(r"\w+", (t or "").lower())) for t in (pred, gold))
    same = sum((p & g).values())
    return 2 * same / (sum(p.values()) + sum(g.values())) if same else float(not p and not g)


def sets(corpus):
    """-> (name, pages, gold by id, score of a text)"""
    spec = importlib.util.spec_from_file_location("eval_", corpus / "eval.py")
    ev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ev)
    for name in ("zh", "zh2011"):
        d = corpus / name
        gold = {g["id"]: g for g in (json.loads(p.read_text()) for p in sorted((d / "gold").glob("*.json")))}
        gold = {i: g for i, g in gold.items() if g.get("is_article", True)}
        pages = [{"id": i, "url": g.get("url") or f"https://{g['site']}/", "file": str((d / f"pages/{i}.html.gz").resolve())}
                 for i, g in gold.items()]
        yield name, pages, {i: g["site"] for i, g in gold.items()}, lambda i, t, gold=gold: ev.page_f1(ev.body_score(gold[i], t, "char4"))
    gold = {g["id"]: g for g in map(json.loads, gzip.open(corpus / "en/gold.jsonl.gz", "rt", encoding="utf-8"))}
    pages = list(map(json.loads, gzip.open(corpus / "en/pages.jsonl.gz", "rt", encoding="utf-8")))
    hosts = {i: urlsplit(g["url"] or "").hostname or i for i, g in gold.items()}
    yield "en", pages, hosts, lambda i, t: word_f1(t, gold[i]["text"])


def measure(exe, corpus):
    """-> rows of (set, id, site, f1, signals)"""
    rows = []
    for name, pages, sites, score in sets(corpus):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
            f.writelines(json.dumps(p, ensure_ascii=False) + "\n" for p in pages)
            f.flush()
            done = subprocess.run([exe, "clean", "--generic", "--signals", "--threads", "2", "--pages", f.name], capture_output=True)
        for line in done.stdout.decode().split("\n"):
            answer = json.loads(line) if line else {}
            if "signals" in answer:
                i = answer["id"]
                rows.append((name, i, sites[i], score(i, answer["text"]), answer["signals"]))
    return rows


def prepare(x, mean=None, scale=None):
    if mean is None:
        mean = np.nanmean(x, axis=0)
        scale = np.nanstd(x, axis=0)
        scale[scale < 1e-6] = 1.0
    z = np.nan_to_num(np.clip((x - mean) / scale, -4, 4))
    # Beyond one deviation on either side the slope may be another one.
    return np.hstack([z, np.maximum(-1 - z, 0), np.maximum(z - 1, 0)]), mean, scale


def fit(x, y, weight, penalty, steps=30):
    """Ridge-penalised logistic regression by Newton's method; the last column is the intercept, which is not penalised."""
    x = np.hstack([x, np.ones((len(x), 1))])
    w = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], float(penalty))
    ridge[-1] = 1e-6
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        h = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(h, x.T @ (weight * (y - p)) - ridge * w)
        w += step
        if np.abs(step).max() < 1e-8:
            break
    return w


def apply(x, w):
    return 1 / (1 + np.exp(-np.clip(x @ w[:-1] + w[-1], -30, 30)))


def left_out(x, y, weight, sites, penalty):
    """Confidence of each page by weights fitted to the pages of all other sites."""
    out = np.zeros(len(y))
    for site in sorted(set(sites)):
        test = sites == site
        z, mean, scale = prepare(x[~test])
        w = fit(z, y[~test], weight[~test], penalty)
        out[test] = apply(prepare(x[test], mean, scale)[0], w)
    return out


def auroc(p, y):
    order = np.argsort(p, kind="stable")
    ranks = np.empty(len(p))
    ranks[order] = np.arange(1, len(p) + 1)
    for v in np.unique(p):
        ranks[p == v] = ranks[p == v].mean()
    good, bad = y.sum(), len(y) - y.sum()
    return (ranks[y == 1].sum() - good * (good + 1) / 2) / (good * bad) if good and bad else float("nan")


def report(name, p, f1, which):
    p, f1 = p[which], f1[which]
    y = (f1 >= GOOD).astype(float)
    kept = np.argsort(-p, kind="stable")[: int(np.ceil(len(p) * 0.95))]
    print(f"{name:8} {len(p):4} pages, {int((1 - y).sum()):3} bad: AUROC {auroc(p, y):.4f}, "
          f"surest 95 %: {(f1[kept] < 0.5).mean() * 100:.2f} % below 0.5 (of all {(f1 < 0.5).mean() * 100:.2f} %), "
          f"mean {p.mean():.3f} for {y.mean():.3f} good")


def write(names, mean, scale, w):
    n = len(names)
    rows = "".join(f'    Weight {{ name: "{name}", mean: {m:.4f}, scale: {s:.4f}, weight: {v:.4f}, low: {low:.4f}, high: {high:.4f} }},\n'
                   for name, m, s, v, low, high in zip(names, mean, scale, w[:n], w[n:2 * n], w[2 * n:3 * n]))
    OUT.write_text(f"""//! Written by `scripts/fit-confidence.py --write`; change that and not this.

/// A measurement's part in the confidence, where `z` is `(value - mean) / scale`: `weight` for each unit of `z`, and besides
/// `low` for each below -1 and `high` for each above 1.
pub(super) struct Weight {{
    pub name: &'static str,
    pub mean: f32,
    pub scale: f32,
    pub weight: f32,
    pub low: f32,
    pub high: f32,
}}

pub(super) const INTERCEPT: f32 = {w[-1]:.4f};

#[rustfmt::skip]
pub(super) const WEIGHTS: [Weight; {len(names)}] = [
{rows}];
""", encoding="utf-8")


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("binary")
    args.add_argument("corpus", type=Path)
    args.add_argument("--write", action="store_true")
    args.add_argument("--cache", type=Path)
    args.add_argument("--worst", type=int, default=0)
    a = args.parse_args()
    if a.cache and a.cache.exists():
        rows = json.loads(a.cache.read_text())
    else:
        rows = measure(a.binary, a.corpus)
        if a.cache:
            a.cache.write_text(json.dumps(rows))
    # The order in which the program names them.
    names = re.findall(r"^    (\w+),$", (HERE / "signals.rs").read_text(), re.M)
    x = np.array([[np.nan if r[4][n] is None else r[4][n] for n in names] for r in rows], dtype=float)
    sets_, sites = np.array([r[0] for r in rows]), np.array([r[2] or r[1] for r in rows])
    f1 = np.array([r[3] for r in rows])
    y = (f1 >= GOOD).astype(float)
    # A text that is another one altogether costs its reader more than one with comments below it.
    weight = 1 + 2.0 * (f1 < 0.5) + (f1 < GOOD)
    groups = np.array([zlib.crc32(s.encode()) % GROUPS for s in sites])
    best = max(PENALTIES, key=lambda c: auroc(left_out(x, y, weight, groups, c), y))
    p = left_out(x, y, weight, sites, best)
    print(f"ridge {best}; each site by weights fitted to the others:")
    for name, which in [("all", sets_ != ""), ("chinese", sets_ != "en"), ("zh", sets_ == "zh"), ("zh2011", sets_ == "zh2011"), ("en", sets_ == "en")]:
        report(name, p, f1, which)
    z, mean, scale = prepare(x)
    w = fit(z, y, weight, best)
    print("by weights fitted to all:")
    for name, which in [("all", sets_ != ""), ("chinese", sets_ != "en"), ("en", sets_ == "en")]:
        report(name, apply(z, w), f1, which)
    if a.worst:
        for i in np.argsort(-(p * (1 - y)))[: a.worst]:
            print(f"  bad, {p[i]:.2f} sure: {rows[i][0]} {rows[i][1]} F1 {f1[i]:.2f}")
        for i in np.argsort((1 - y) + p)[: a.worst]:
            print(f"  good, {p[i]:.2f} sure: {rows[i][0]} {rows[i][1]} F1 {f1[i]:.2f}")
    n = len(names)
    for name, *v in sorted(zip(names, w[:n], w[n:2 * n], w[2 * n:]), key=lambda t: -max(map(abs, t[1:]))):
        print(f"  {v[0]:+.3f} {v[1]:+.3f} {v[2]:+.3f}  {name}")
    if a.write:
        write(names, mean, scale, w)


if __name__ == "__main__":
    main()
