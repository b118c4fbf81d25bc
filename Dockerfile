# An image with keruta and what its tasks usually need. Build the executable first: ./scripts/build.sh
#   docker build -t keruta .
#   docker run --rm -p 127.0.0.1:8585:8585 -v keruta:/data keruta
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bash ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 keruta \
 && install -d -o keruta -g keruta -m 700 /data
COPY dist/keruta /usr/local/bin/keruta
RUN ln -s keruta /usr/local/bin/keruta-agent
USER keruta
WORKDIR /home/keruta
VOLUME /data
EXPOSE 8585
ENTRYPOINT ["keruta"]
CMD ["server", "--host", "0.0.0.0", "--data-dir", "/data"]
