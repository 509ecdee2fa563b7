# The service. Embedded: one container, one volume. In a cluster: docker-compose.yml. Build: docker build -t pabal .
# Run: docker run -d --name pabal -p 127.0.0.1:7070:7070 -v pabal-data:/data --env-file .env pabal

ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No install script is needed at run time: the one of the package "node" is for development.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && npm cache clean --force

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    PABAL_HOST=0.0.0.0 \
    PABAL_PORT=7070 \
    PABAL_DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE pabal ./
COPY src ./src
# The image's user "node" (uid 1000). The code belongs to root: the service cannot change it.
RUN mkdir -m 0700 /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7070
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PABAL_PORT}/healthz`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
# Not through a shell or npm: signals go to the service itself. Give it 30 s: docker stop -t 30.
# Left alone, Node lets young objects take 134 MB and cleans them up in long pauses.
ENTRYPOINT ["node", "--max-semi-space-size=16", "src/main.ts"]
CMD ["start"]
