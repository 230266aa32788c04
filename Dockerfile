# The official Deno image, pinned to the version everything is measured and tested on.
FROM denoland/deno:2.9.6

WORKDIR /app

# Dependencies change less often than sources, so they come first and stay cached.
COPY deno.json deno.lock ./
RUN deno install --frozen

COPY LICENSE ./
COPY config ./config
COPY src ./src
# Fetched and stripped of types now: the container starts without network.
RUN deno cache --frozen src/main.ts src/server/worker.ts \
    && mkdir -p /etc/sentinel /var/lib/sentinel/agents /var/log/sentinel \
    && cp config/sentinel.kdl /etc/sentinel/sentinel.kdl \
    && ln -s /var/lib/sentinel/agents agents \
    && chown -R deno:deno /etc/sentinel /var/lib/sentinel /var/log/sentinel

USER deno
EXPOSE 8080 8443 9090
VOLUME ["/etc/sentinel", "/var/lib/sentinel/agents"]

# The program asks its own admin listener whether it is ready to serve.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["deno", "run", "--no-prompt", "--cached-only", "--v8-flags=--max-semi-space-size=8,--no-memory-reducer,--no-wasm-lazy-compilation", "--allow-net", "--allow-read", "--allow-write", "--allow-env=SENTINEL_CONFIG,ZENTINEL_CONFIG,ACME_*,NO_COLOR,FORCE_COLOR,CLICOLOR_FORCE", "--allow-sys=hostname", "/app/src/main.ts", "health", "-c", "/etc/sentinel/sentinel.kdl"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["deno", "run", "--no-prompt", "--cached-only", "--v8-flags=--max-semi-space-size=8,--no-memory-reducer,--no-wasm-lazy-compilation", "--allow-net", "--allow-read", "--allow-write", "--allow-env=SENTINEL_CONFIG,ZENTINEL_CONFIG,ACME_*,NO_COLOR,FORCE_COLOR,CLICOLOR_FORCE", "--allow-sys=hostname", "/app/src/main.ts"]
CMD ["run", "-c", "/etc/sentinel/sentinel.kdl"]
