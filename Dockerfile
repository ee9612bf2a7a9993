# foule in an image: as a user without rights, in an environment of its own, nothing but the product inside.
FROM python:3.11-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/foule
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY config config
COPY zones zones
COPY anonymizer anonymizer
COPY indicators indicators
COPY streams streams
COPY sinks sinks
COPY simulator simulator
COPY foule foule
RUN /opt/foule/bin/pip install --constraint constraints.txt .


FROM python:3.11-slim

ENV PATH=/opt/foule/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Inside a container the metrics are read from outside of it.
ENV FOULE_METRICS__HOST=0.0.0.0

RUN groupadd --gid 10001 foule \
    && useradd --uid 10001 --gid foule --no-create-home --home-dir /var/lib/foule --shell /usr/sbin/nologin foule \
    && install -d -o foule -g foule -m 0700 /var/lib/foule
COPY --from=build /opt/foule /opt/foule

USER 10001:10001
WORKDIR /var/lib/foule
EXPOSE 9464
# A worker that no longer answers on its metrics port is not well.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/metrics', timeout=4)"]
ENTRYPOINT ["foule"]
CMD ["worker", "--settings", "/etc/foule/foule.toml"]
