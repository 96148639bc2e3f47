#!/usr/bin/env python3
"""Measures what a crawl costs in disk and memory: bytes of output and of state per page, and the peak of memory.

    scripts/measure-disk.py [--jingwen PROGRAM] [--articles N] [--hosts N] [--chars N]

Serves an invented newspaper on loopback, crawls it with the real program, and prints a table. Texts are made of a few
thousand different words, so compressed sizes are better than those of real news; the other figures hold. Standard library
only.
"""
import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PER_LIST = 50
LETTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 2_500)]


def words():
    dice = random.Random(7)
    return ["".join(dice.choices(LETTERS, k=dice.choice((1, 2, 2, 2, 3, 4)))) for _ in range(6_000)]


def article(number, chars, vocabulary):
    dice = random.Random(number)
    lines, size = [], 0
    while size < chars:
        line = "，".join("".join(dice.choices(vocabulary, k=dice.randint(3, 9))) for _ in range(dice.randint(3, 8))) + "。"
        lines.append(f"<p>{line}</p>")
        size += len(line)
    title = "".join(dice.choices(vocabulary, k=7))
    return (
        f'<html><head><meta charset="utf-8"><title>{title}_测量日报</title></head><body><h1>{title}</h1>'
        f'<div class="info">2026-11-{1 + number % 28:02} 10:{number % 60:02} 来源：测量日报 作者：记者甲</div>'
        f'<div class="art">{"".join(lines)}</div><div class="staff">责任编辑：钱乙</div></body></html>'
    ).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def serve(options):
    vocabulary = words()
    lists = (options.articles + PER_LIST - 1) // PER_LIST

    def page(host, path):
        if path == "/":
            return "".join(f'<a href="/list_{n}.htm">{n}</a>' for n in range(lists)).encode()
        if path.startswith("/list_"):
            n = int(path[6:-4])
            some = range(n * PER_LIST, min((n + 1) * PER_LIST, options.articles))
            return "".join(f'<li><a href="/content/2026-11/{1 + i % 28:02}/a_{i}.htm">{i}</a></li>' for i in some).encode()
        if path.startswith("/content/"):
            return article(int(path.rsplit("_", 1)[1][:-4]) + host * 10_000_000, options.chars, vocabulary)
        return None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            host = int(self.headers["Host"].split(".")[0][1:])
            body = page(host, self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def configure(folder, options, port):
    hosts = [f"n{h}.measure.example" for h in range(options.hosts)]
    (folder / "selectors").mkdir()
    (folder / "selectors" / "measure.toml").write_text(
        f"""name = "测量日报"
hosts = {hosts}
[crawl]
seeds = {[f"http://{host}/" for host in hosts]}
lists = ['/list_\\d+\\.htm$']
articles = ['/content/\\d{{4}}-\\d\\d/\\d\\d/a_\\d+\\.htm$']
rate = "100000/s"
concurrency = 8
[[template]]
name = "one"
when = {{ has = ["div.art"] }}
title = "h1"
body = "div.art"
published = ".info"
source = {{ css = ".info", capture = '来源：(\\S+)' }}
authors = {{ css = ".info", capture = '记者(\\S+)' }}
""",
        encoding="utf-8",
    )
    table = ", ".join(f'"{host}" = "127.0.0.1:{port}"' for host in hosts)
    (folder / "jingwen.toml").write_text(
        f"""selectors = "selectors"
sites = ["measure"]
[http]
user_agent = "jingwen-measure/1.0 (+mailto:measure@example.org)"
resolve = {{ {table} }}
[traps]
max_per_pattern = 10000000
[output]
rotate_size = "16MiB"
compress = "zstd"
""",
        encoding="utf-8",
    )


def size(folder, pattern):
    return sum(path.stat().st_size for path in folder.glob(pattern))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jingwen", default="target/release/jingwen")
    parser.add_argument("--articles", type=int, default=2_500, help="of each host")
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--chars", type=int, default=1_200, help="of an article's text")
    options = parser.parse_args()
    program = os.path.abspath(options.jingwen)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder, options, serve(options))
        for run in ("first run", "second run"):
            begun = time.monotonic()
            done = subprocess.run([program, "crawl", "--rate", "100000/s"], cwd=folder, stderr=subprocess.PIPE, text=True)
            if done.returncode != 0:
                sys.exit(done.stderr)
            print(f"{run}: {time.monotonic() - begun:.1f} s")
        pages = options.articles * options.hosts
        parts, live = list(folder.glob("out/articles-0*")), folder / "out" / "articles.jsonl"
        raw = subprocess.run(
            ["sqlite3", str(folder / "state" / "frontier.sqlite"), "SELECT sum(bytes) FROM part"], capture_output=True, text=True
        ).stdout.strip()
        cut, stored = int(raw or 0), sum(path.stat().st_size for path in parts)
        total = cut + live.stat().st_size
        print(f"articles                      {pages:>12,}")
        print(f"output a page                 {total / pages:>12,.0f} bytes")
        if cut:
            print(f"… in compressed parts         {total / pages * stored / cut:>12,.0f} bytes")
        for pattern in ("state/*", "state/frontier.sqlite", "state/frontier.sqlite-wal", "state/drift.sqlite*"):
            print(f"{pattern:<30}{size(folder, pattern):>12,} bytes, {size(folder, pattern) / pages:>6,.0f} a page")
        tables = subprocess.run(
            ["sqlite3", str(folder / "state" / "frontier.sqlite"),
             "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1 ORDER BY 2 DESC LIMIT 5"],
            capture_output=True, text=True,
        ).stdout
        for line in tables.splitlines():
            table, taken = line.split("|")
            print(f"  table {table:<22}{int(taken):>12,} bytes, {int(taken) / pages:>6,.0f} a page")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"peak of memory                {peak:>12,.0f} MiB")


main()
