#!/usr/bin/env python3
"""Serves the invented paper of examples/ on loopback, for tests. Standard library only.

    scripts/serve-example.py DIR [--delay SECONDS]

Writes its port to DIR/port once it listens, and the path of each request as a line to DIR/requests. Each answer is
DELAY late. Ends with its standard input, so that it cannot outlive the script that started it.
"""
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

PAGES = Path(__file__).resolve().parent.parent / "examples" / "selectors" / "pages"


def main():
    folder = Path(sys.argv[1])
    delay = float(sys.argv[3]) if sys.argv[2:3] == ["--delay"] else 0.0
    answers = {}
    for page in json.loads((PAGES / "manifest.json").read_text(encoding="utf-8")):
        url = urlsplit(page["url"])
        path = url.path + (f"?{url.query}" if url.query else "")
        answers[path] = (page["status"], page["content_type"], (PAGES / page["file"]).read_bytes())
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with lock, open(folder / "requests", "a", encoding="utf-8") as log:
                log.write(self.path + "\n")
            time.sleep(delay)
            status, kind, body = answers.get(self.path, (404, "text/html; charset=utf-8", b"<h1>404</h1>"))
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True  # whoever asked was stopped

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "port.new").write_text(str(server.server_address[1]))
    os.replace(folder / "port.new", folder / "port")
    sys.stdin.read()


main()
