# The image of a node, in three steps: what is installed, our code, and the image made of both.
# A change of code makes the second step and the last copy anew, nothing else. The target `tools` is the
# same with other people's clients in it. Without a target, `docker build .` makes the node's.
FROM python:3.13-slim-trixie AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
RUN python -m venv /opt/cucmsim
COPY requirements.lock ./
RUN /opt/cucmsim/bin/pip install -q --require-hashes -r requirements.lock \
 && python -m compileall -q -j0 --invalidation-mode unchecked-hash /opt/cucmsim/lib

FROM dependencies AS code
WORKDIR /src
COPY pyproject.toml LICENSE ./
COPY cucmsim ./cucmsim
RUN /opt/cucmsim/bin/pip install -q --no-deps --no-build-isolation --no-index --prefix /code . \
 && python -m compileall -q -j0 --invalidation-mode unchecked-hash /code/lib

# pip and setuptools have done their work; a node runs without them
FROM dependencies AS lean
RUN /opt/cucmsim/bin/pip uninstall -q -y setuptools pip

FROM python:3.13-slim-trixie AS node
RUN useradd --system --uid 10069 --home-dir /var/lib/cucmsim --create-home cucmsim \
 && mkdir -p /etc/cucmsim /var/lib/cucmsim/data /var/lib/cucmsim/certs \
 && chown -R cucmsim /var/lib/cucmsim
COPY --from=lean /opt/cucmsim /opt/cucmsim
ENV PATH=/opt/cucmsim/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/cucmsim
VOLUME /var/lib/cucmsim/data /var/lib/cucmsim/certs
USER cucmsim
# Ports 69 and 22 are bound without privileges: the engine sets net.ipv4.ip_unprivileged_port_start=0
# in every container's own network namespace.
EXPOSE 22/tcp 69/udp 6969/udp 2000/tcp 2443/tcp 2445/tcp 3804/tcp 5060-5061/tcp 6970-6972/tcp 8443/tcp
# Not `cucmsim status`: this runs every few seconds, and imports nothing but Python's own modules.
HEALTHCHECK --interval=5s --timeout=10s --start-period=120s --retries=6 \
  CMD ["python", "-m", "cucmsim.cli.probe", "/var/lib/cucmsim/data"]
ENTRYPOINT ["cucmsim"]
CMD ["run", "/etc/cucmsim/compose.toml"]
COPY docker/lab-phone /usr/local/bin/
COPY config /etc/cucmsim
COPY --from=code /code /opt/cucmsim

# What a person wants at hand on the lab's network. It is root there, as tcpdump needs it.
FROM python:3.13-slim-trixie AS clients
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends bind9-dnsutils curl iproute2 iputils-ping less \
      openssh-client openssl procps tcpdump tftp-hpa >/dev/null \
 && rm -rf /var/lib/apt/lists/*

FROM clients AS tools
RUN mkdir -p /etc/cucmsim /var/lib/cucmsim /work
COPY --from=node /opt/cucmsim /opt/cucmsim
COPY --from=node /etc/cucmsim /etc/cucmsim
ENV PATH=/opt/cucmsim/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
COPY docker/lab-tools /usr/local/bin/
CMD ["lab-tools"]

FROM node
