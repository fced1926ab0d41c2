# The sandbox and nothing else: one static binary, no shell, no libc, not root.
#
#     docker build -t iluma-sandbox .
#     docker run --rm -p 127.0.0.1:4586:4586 -v "$PWD/my-scenarios:/scenarios:ro" iluma-sandbox
#
# No feature here needs BuildKit or a daemon: `buildah build --format docker .` and kaniko build it too.
# (OCI's own format has no health check, hence Docker's.)
ARG RUST_IMAGE=rust:1.95-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN packaging/binary.sh /iluma-sandbox

# `packaging/image.sh` builds what follows alone, around a binary that is there already.
FROM scratch
LABEL org.opencontainers.image.title="iluma-sandbox" \
      org.opencontainers.image.description="A local sandbox of the Iluma KYC API" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /iluma-sandbox /iluma-sandbox
# Empty: mount a folder of scenario files over it. Saved changes count at once.
WORKDIR /scenarios
# Names would need an /etc/passwd, which is not here.
USER 65532:65532
ENV ILUMA_SANDBOX_BIND=0.0.0.0 \
    ILUMA_SANDBOX_SCENARIOS=/scenarios
EXPOSE 4586
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s --retries=5 CMD ["/iluma-sandbox", "readyz"]
ENTRYPOINT ["/iluma-sandbox"]
