# syntax=docker/dockerfile:1
# Two stages: the toolchain builds, the image holds the program, its certificates, its list of parts, and nothing else.
# `scripts/container.sh` builds it, and runs crawls in it with a read-only root.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
# The allocator is built with it.
RUN command -v make >/dev/null \
 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends make >/dev/null && rm -rf /var/lib/apt/lists/*; }
WORKDIR /src
COPY . .
# Without symbols: a fifth of the size. Panics still name file and line.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
# With the shared frontier; `--build-arg FEATURES=` leaves it out.
ARG FEATURES=postgres
RUN cargo build --release --locked --bin jingwen --features "$FEATURES" \
 && cp target/release/jingwen /jingwen \
 && scripts/sbom.sh --features "$FEATURES" > /sbom.cdx.json \
 && rm -rf target

FROM docker.io/library/debian:bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=https://example.org/jingwen
LABEL org.opencontainers.image.title="jingwen" \
      org.opencontainers.image.description="净文: a polite crawler and cleaner for Chinese news that writes clean JSONL" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
# Taken from the toolchain's image, so that this stage needs no network.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /sbom.cdx.json /usr/share/doc/jingwen/sbom.cdx.json
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/jingwen/
COPY --from=build /jingwen /usr/local/bin/jingwen
RUN groupadd --gid 10001 jingwen \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin jingwen \
 && install -d -o jingwen -g jingwen /data /data/out /data/state /data/workers
USER 10001:10001
WORKDIR /data
# The only places that are written to; the root file system can be read-only.
VOLUME ["/data/out", "/data/state"]
# The daemon's status page, health and metrics: `daemon --listen 0.0.0.0:8080`.
EXPOSE 8080
# Saves the state and ends: within seconds, whatever is under way.
STOPSIGNAL SIGTERM
# For the daemon; a one-shot crawl says by its exit code how it was, so switch this off for it (compose.yaml does).
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["jingwen", "health"]
ENTRYPOINT ["jingwen"]
CMD ["--help"]
