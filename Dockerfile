# An image with only the sandbox: one static binary, no shell, no libc, not root.
#
#     docker build -t iluma-sandbox .
#     docker run --rm -p 127.0.0.1:4586:4586 -v "$PWD/my-scenarios:/scenarios:ro" iluma-sandbox
#
# It needs neither BuildKit nor a daemon: `buildah build --format docker .` and kaniko can build it too.
# (The format is Docker's, because the OCI format has no health check.)
ARG RUST_IMAGE=docker.io/library/rust:1.95-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN packaging/binary.sh /iluma-sandbox

# `packaging/image.sh` builds only this stage, with a binary that already exists.
FROM scratch
# `packaging/image.sh` sets the revision and the source of its build.
ARG VERSION=0.1.0
ARG SOURCE=https://github.com/OWNER/iluma-sandbox
ARG REVISION=unknown
LABEL org.opencontainers.image.title="iluma-sandbox" \
      org.opencontainers.image.description="A local sandbox of the Iluma KYC API" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /iluma-sandbox /iluma-sandbox
# An empty folder: mount your scenario files over it. Changes are loaded when they are saved.
WORKDIR /scenarios
# Numbers, because the image has no /etc/passwd for names.
USER 65532:65532
ENV ILUMA_SANDBOX_BIND=0.0.0.0 \
    ILUMA_SANDBOX_SCENARIOS=/scenarios
EXPOSE 4586
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s --retries=5 CMD ["/iluma-sandbox", "readyz"]
ENTRYPOINT ["/iluma-sandbox"]
