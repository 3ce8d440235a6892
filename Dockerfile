# laer: the front end, then the environment, then a small image with neither Node nor a compiler. No secret is in it: the key of
# sessions is made in the home at the first start. docs/guides/install.md says how to run it.

FROM node:22-slim AS front
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/build.mjs ./
COPY frontend/src ./src
# PurgeCSS and the icon sprite read the templates and the pages.
COPY src /build/src
RUN npm run --silent build

FROM python:3.13-slim-trixie AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/laer UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir --disable-pip-version-check "uv>=0.13,<1"
WORKDIR /build
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY LICENSE README.md ./
COPY src ./src
COPY --from=front /build/src/laer/web/static/dist ./src/laer/web/static/dist
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim-trixie
# pg_dump and pg_restore, for `laer backup` and `laer restore` of a book on PostgreSQL 17 or earlier.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/laer --shell /usr/sbin/nologin laer \
    && install -d -o laer -g laer -m 0700 /var/lib/laer
COPY --from=build /opt/laer /opt/laer
ENV PATH=/opt/laer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LAER_HOME=/var/lib/laer LAER_LOG_FORMAT=json LAER_LOG_LEVEL=INFO
USER laer
WORKDIR /var/lib/laer
VOLUME /var/lib/laer
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=8)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["laer"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
