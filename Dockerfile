# syntax=docker/dockerfile:1

# The server alone, as one static program on an empty image:
#   docker build -t registry-server .
#   docker run -p 3000:3000 -v registry:/var/lib/registry --read-only -e REGISTRY_TOKEN=... -e BASE_URL=... registry-server

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
ENV GOCACHE=/go/cache
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/cache \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w" -o /image/registry-server ./cmd/registry-server
RUN mkdir -p -m 0700 /image/var/lib/registry

FROM scratch
LABEL org.opencontainers.image.title="registry-server" \
      org.opencontainers.image.description="A self-hosted package registry: every commit installs" \
      org.opencontainers.image.source="https://github.com/org/registry-action" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /image/registry-server /registry-server
# A new volume is owned as the folder it is mounted on.
COPY --from=build --chown=65532:65532 /image/var/lib/registry /var/lib/registry
# Commands such as import keep files for a moment; nothing but the volume may be written.
ENV HOST=0.0.0.0 PORT=3000 REGISTRY_DATA=/var/lib/registry TMPDIR=/var/lib/registry LOG_FORMAT=json
USER 65532:65532
VOLUME ["/var/lib/registry"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/registry-server", "health"]
ENTRYPOINT ["/registry-server"]
