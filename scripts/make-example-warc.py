#!/usr/bin/env python3
"""Makes examples/site.warc.gz from examples/selectors/pages/. Standard library only.

    scripts/make-example-warc.py            write the archive
    scripts/make-example-warc.py --check    fail if the archive does not hold what the pages say

`manifest.json` names each page's address, status and content type. Dates and record ids are derived from the addresses,
so that the same pages always give the same records (only the compressed bytes may differ between versions of zlib).
"""
import base64
import gzip
import hashlib
import json
import sys
import uuid
from http import HTTPStatus
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PAGES = EXAMPLES / "selectors" / "pages"  # beside the selector file, whose tests use them too
ARCHIVE = EXAMPLES / "site.warc.gz"
DATE = "2026-03-02T04:00:00Z"


def record(kind, block, content_type, url=None, payload=None):
    """One record, uncompressed."""
    ident = uuid.uuid5(uuid.NAMESPACE_URL, f"jingwen-example:{kind}:{url or ''}")
    headers = [("WARC-Type", kind), ("WARC-Record-ID", f"<urn:uuid:{ident}>"), ("WARC-Date", DATE)]
    if url:
        headers.append(("WARC-Target-URI", url))
    if payload is not None:
        headers.append(("WARC-Payload-Digest", digest(payload)))
    headers += [("WARC-Block-Digest", digest(block)), ("Content-Type", content_type), ("Content-Length", str(len(block)))]
    head = "WARC/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers) + "\r\n"
    return head.encode("ascii") + block + b"\r\n\r\n"


def digest(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode("ascii")


def records():
    """All records in order: a warcinfo, then one response a page."""
    info = b"software: make-example-warc.py\r\nformat: WARC File Format 1.1\r\ndescription: pages of an invented paper\r\n"
    yield record("warcinfo", info, "application/warc-fields")
    for page in json.loads((PAGES / "manifest.json").read_text(encoding="utf-8")):
        body = (PAGES / page["file"]).read_bytes()
        status = page["status"]
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Date: Mon, 02 Mar 2026 04:00:00 GMT\r\n"
            f"Content-Type: {page['content_type']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield record("response", head.encode("ascii") + body, "application/http; msgtype=response", page["url"], body)


def main():
    want = list(records())
    if sys.argv[1:] == ["--check"]:
        if not ARCHIVE.exists():
            sys.exit(f"{ARCHIVE} is missing: run {sys.argv[0]}")
        if gzip.decompress(ARCHIVE.read_bytes()) != b"".join(want):
            sys.exit(f"{ARCHIVE} does not hold the pages as they are now: run {sys.argv[0]}")
        print(f"{ARCHIVE.name}: {len(want)} records, current")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        ARCHIVE.write_bytes(b"".join(gzip.compress(r, 9, mtime=0) for r in want))
        print(f"{ARCHIVE.name}: {len(want)} records, {ARCHIVE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
