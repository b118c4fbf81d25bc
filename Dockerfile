# An image with keruta and what its tasks usually need: server, agent and commands are one executable.
#   docker build -t keruta .
#   docker run --rm -p 127.0.0.1:8585:8585 -v keruta:/data keruta

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
COPY scripts/ensure.sh scripts/
# Packages change less often than sources: they are a layer of their own.
RUN bash -c 'source scripts/ensure.sh'
COPY . .
RUN ./scripts/build.sh

FROM debian:bookworm-slim
# tini ends what orphans leave behind: in a container nobody else does.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bash ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 keruta \
 && install -d -o keruta -g keruta -m 700 /data /home/keruta/.keruta /home/keruta/keruta \
 && ln -s keruta /usr/local/bin/keruta-agent
COPY --from=build /src/dist/keruta /usr/local/bin/keruta
# By number, so that an orchestrator can see that it is not root.
USER 1000:1000
ENV KERUTA_DATA_DIR=/data
WORKDIR /home/keruta
VOLUME /data
EXPOSE 8585
# For a server; an agent is asked by `keruta daemon status` (see compose.yaml).
HEALTHCHECK --interval=30s --timeout=30s --start-period=120s --retries=3 CMD ["keruta", "health", "--check", "api"]
ENTRYPOINT ["tini", "--", "keruta"]
CMD ["server", "--host", "0.0.0.0"]
