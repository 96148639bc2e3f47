# syntax=docker/dockerfile:1
# Two stages: the toolchain builds, the image holds the program, its certificates and nothing else.
# `scripts/container.sh` builds it and runs a crawl in it with a read-only root.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin jingwen && cp target/release/jingwen /jingwen && rm -rf target

FROM docker.io/library/debian:bookworm-slim
LABEL org.opencontainers.image.title="jingwen" \
      org.opencontainers.image.description="净文: a polite crawler and cleaner for Chinese news that writes clean JSONL" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# Taken from the toolchain's image, so that this stage needs no network.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /jingwen /usr/local/bin/jingwen
RUN groupadd --gid 10001 jingwen \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin jingwen \
 && install -d -o jingwen -g jingwen /data /data/out /data/state
USER 10001:10001
WORKDIR /data
# The only places that are written to; the root file system can be read-only.
VOLUME ["/data/out", "/data/state"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["jingwen"]
CMD ["--help"]
