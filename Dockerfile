# The image of a node. Dependencies are installed before the code, so that a change of code
# does not install them again.
FROM python:3.13-slim-trixie AS build
RUN python -m venv /opt/cucmsim
WORKDIR /src
COPY requirements.lock ./
RUN /opt/cucmsim/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY cucmsim ./cucmsim
RUN /opt/cucmsim/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/cucmsim/bin/pip uninstall -y -q setuptools pip \
 && find /opt/cucmsim -name __pycache__ -prune -exec rm -rf {} +

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10069 --home-dir /var/lib/cucmsim --create-home cucmsim \
 && mkdir -p /etc/cucmsim /var/lib/cucmsim/data /var/lib/cucmsim/certs \
 && chown -R cucmsim /var/lib/cucmsim
COPY --from=build /opt/cucmsim /opt/cucmsim
COPY config /etc/cucmsim
ENV PATH=/opt/cucmsim/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/cucmsim
VOLUME /var/lib/cucmsim/data /var/lib/cucmsim/certs
USER cucmsim
# Port 69 is bound without privileges: the engine sets net.ipv4.ip_unprivileged_port_start=0
# in every container's own network namespace.
EXPOSE 69/udp 6969/udp 2445/tcp 3804/tcp
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 \
  CMD ["cucmsim", "status", "/etc/cucmsim/compose.toml", "--quiet"]
ENTRYPOINT ["cucmsim"]
CMD ["run", "/etc/cucmsim/compose.toml"]
