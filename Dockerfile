# The engine for servers of your own: Postgres runs elsewhere (see docker-compose.yml), so the embedded one is left out.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:22-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build --chown=root:root /app ./
# What the engine keeps on its machine: its lock, and its copy of the API keys' hashes.
RUN mkdir /data && chown node:node /data && chmod 700 /data
USER node
ENV MILLRACE_DATA_DIR=/data MILLRACE_HTTP__HOST=0.0.0.0 MILLRACE_STORE__KIND=postgres
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM: no new requests, finish what is in flight, commit, end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
