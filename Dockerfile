# waypost in a small image, as a user without privileges. Ports 53 are for the outside: publish them onto 5300, where the
# process listens (`docker run -p 53:5300/udp -p 53:5300/tcp -v ./etc:/etc/waypost …`), so that it needs no capability.
# The mounted waypost.toml says `[server] listen = ["0.0.0.0:5300", "[::]:5300"]` and `[http] listen = "0.0.0.0:8053"`.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# Not built, but named in Cargo.toml.
COPY benches benches
RUN cargo build --release --locked --bin waypost

FROM debian:bookworm-slim
# The trusted roots, for HTTPS probes that verify.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 5300 --home-dir /var/lib/waypost --create-home waypost
COPY --from=build /src/target/release/waypost /usr/local/bin/waypost
USER waypost
WORKDIR /var/lib/waypost
# DNS, and the admin pages.
EXPOSE 5300/udp 5300/tcp 8053/tcp
# The admin page that says whether the process lives, asked for with what the image has.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8053 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["waypost"]
CMD ["serve", "-c", "/etc/waypost/waypost.toml"]
