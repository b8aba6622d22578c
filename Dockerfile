# syntax=docker/dockerfile:1
# An image with one static binary and nothing else, which runs as nobody in particular.
#
#   docker build --tag jackfield .
#   docker run --publish 8080:8080 --volume jackfield:/data jackfield
#
# The admin listener is on the container's own loopback address: `docker exec CONTAINER /jackfield status`. To reach it
# from elsewhere set JACKFIELD_ADMIN_LISTEN=0.0.0.0:8081, JACKFIELD_ADMIN_TOKEN and JACKFIELD_ADMIN_TLS_SELF_SIGNED=/data/tls
# (or certificate files), and publish that port.
#
# For tests, where nobody can pass arguments to a container: demo data in memory, see the stage `dev` and docs/testing.md.
#
#   docker build --target dev --tag jackfield:dev .
#   docker run --publish 127.0.0.1:8080:8080 --publish 127.0.0.1:8081:8081 jackfield:dev

# Alpine's C library is musl, so what is built here is static.
FROM rust:1.95.0-alpine AS build
# For the parts of the allocator and the cryptography that are C and assembly.
# hadolint ignore=DL3018
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
# The compiler of the image, not one that rust-toolchain.toml would bring.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --locked --release --package jackfield \
    && cp target/release/jackfield /jackfield \
    && strip /jackfield \
    && mkdir /data

FROM scratch AS common
COPY --from=build /jackfield /jackfield
# For the database and for other token issuers, behind TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# A named volume takes the owner of the directory that it is mounted on.
COPY --from=build --chown=65532:65532 --chmod=0700 /data /data
# The admin token is kept there when the store has no directory.
COPY --from=build --chown=65532:65532 --chmod=0700 /data /tmp
USER 65532:65532
WORKDIR /data
ENV JACKFIELD_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Healthy: the store can be read and written.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/jackfield", "status"]
ENTRYPOINT ["/jackfield"]

# Everybody knows these credentials, the admin token too, and anyone who reaches the ports may do everything: for tests.
FROM common AS dev
# hadolint ignore=DL3064
ENV JACKFIELD_STORE=memory: \
    JACKFIELD_ADMIN_LISTEN=0.0.0.0:8081 \
    JACKFIELD_ADMIN_HOST=jackfield \
    JACKFIELD_ADMIN_PLAINTEXT=true \
    JACKFIELD_ADMIN_TOKEN=jackfield-demo-admin-token-known-to-everybody
EXPOSE 8081
# Soon, because a pipeline waits for it.
HEALTHCHECK --interval=1s --timeout=5s --start-period=10s CMD ["/jackfield", "status"]
CMD ["dev"]

# The last stage is the one that is built where nobody names another.
FROM common AS serve
ENV JACKFIELD_STORE=embedded:/data/store \
    JACKFIELD_DATA_DIR=/data/store
VOLUME /data
CMD ["serve"]
