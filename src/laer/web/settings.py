"""Django settings. Every one that a firm may change is an environment variable with the prefix LAER_, with a row in setting_table.py."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote, urlsplit

from laer.web import catalogues, home

BASE = Path(__file__).parent


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def given(name: str, default: str) -> str:
    """What the environment says; an empty variable, as compose files pass them, says nothing."""
    return os.environ.get(name, "").strip() or default


SECRET_KEY = home.secret_key()
DEBUG = flag("LAER_DEBUG")
ALLOWED_HOSTS = [h.strip() for h in os.environ.get("LAER_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if h.strip()]
CSRF_TRUSTED_ORIGINS = [o.strip() for o in os.environ.get("LAER_ORIGINS", "").split(",") if o.strip()]
HTTPS = flag("LAER_HTTPS")

# The firm. These are the environment's words and the defaults: read `people.company.firm()`, which knows what an admin chose in the browser.
CURRENCY = given("LAER_CURRENCY", "USD").upper()
TIME_ZONE = given("LAER_TIME_ZONE", "UTC")
FX_FILE = os.environ.get("LAER_FX_FILE", "")
FISCAL_YEAR_START = home.fiscal_year_start()
PLAN_YEAR = home.plan_year()
POLICY = os.environ.get("LAER_POLICY", "default")
READ_SCOPE = os.environ.get("LAER_READ_SCOPE", "own")  # own | all: what members and viewers see
LOCALE = home.locale()
COMPANY = given("LAER_COMPANY", "")

INSTALLED_APPS = [
    "laer.web.people",
    "laer.web.book",
    "laer.web.work",
    "laer.web.runs",
    "laer.web.pages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "laer.web.security.SecurityHeaders",
    "laer.web.pages.health.Probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "laer.web.logs.LogRequests",
    "django.middleware.gzip.GZipMiddleware",  # pads at random what it packs, so that its length tells nothing of a token in it
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "laer.web.people.reader.Reader",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "laer.web.people.setup.SetUpFirst",
    "laer.web.security.LoginRequired",
    "laer.web.people.company.InForce",
    "laer.web.security.SecondFactor",
    "laer.web.people.sessions.LastSeen",
    "laer.web.people.audit.LogExports",
]

ROOT_URLCONF = "laer.web.urls"
WSGI_APPLICATION = "laer.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "laer.web.rendering.Templates",
        "NAME": "django",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "laer.web.pages.navigation.navigation",
                "laer.web.pages.notifications.bell",
                "laer.web.pages.start.company",
            ],
            "libraries": {
                "i18n": "laer.web.templatetags.i18n_once",
                **{name: f"laer.web.templatetags.{name}" for name in ("laer", "rows", "table_rows", "script_words")},
            },
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]


def database(url: str) -> dict[str, object]:
    """SQLite below LAER_HOME unless `DATABASE_URL` names a PostgreSQL server."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": home.home() / "book.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SystemExit(f"DATABASE_URL: found the scheme {parts.scheme!r}, expected postgresql://user:password@host:port/name (or leave it out for SQLite)")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


def oidc_providers(issuer: str) -> dict[str, object]:
    """The firm's own identity provider, if one is named."""
    if not issuer:
        return {}
    client, secret = os.environ.get("LAER_OIDC_CLIENT_ID", ""), os.environ.get("LAER_OIDC_CLIENT_SECRET", "")
    if not client or not secret:
        raise SystemExit("LAER_OIDC_ISSUER is set; expected LAER_OIDC_CLIENT_ID and LAER_OIDC_CLIENT_SECRET too")
    if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise SystemExit(f"LAER_OIDC_ISSUER: found {issuer!r}, expected an address with https://: its answers are trusted because of it")
    app = {"provider_id": "firm", "name": OIDC_NAME, "client_id": client, "secret": secret, "settings": {"server_url": issuer}}
    return {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}


DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "laer.web.people.adapter.ClosedAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("LAER_PROXIES", "0"))  # how many proxies of our own add to X-Forwarded-For
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # admins state the addresses, by an invitation or `laer user create`
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute off
MFA_ADAPTER = "laer.web.people.adapter.SealedSecrets"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login": "60/m/ip"}

OIDC_ISSUER = os.environ.get("LAER_OIDC_ISSUER", "").rstrip("/")
OIDC_NAME = os.environ.get("LAER_OIDC_NAME", "single sign-on")
OIDC_DOMAINS = {d.strip().lower().lstrip("@") for d in os.environ.get("LAER_OIDC_DOMAINS", "").split(",") if d.strip()}
OIDC_ROLE = os.environ.get("LAER_OIDC_ROLE", "viewer")
if OIDC_ROLE not in {"viewer", "member"}:
    raise SystemExit(f"LAER_OIDC_ROLE: found {OIDC_ROLE!r}, expected viewer or member; an admin gives other roles in Settings")
SOCIALACCOUNT_ADAPTER = "laer.web.people.oidc.FirmAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a link: form-action 'self' forbids a form that ends at the provider
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = "oidc"
SOCIALACCOUNT_PROVIDERS = oidc_providers(OIDC_ISSUER)

# Invitations and links to set a password go through the sender of Settings, Sending, or through a backend that the environment names. Without
# either nothing is sent, and nothing is printed: a link that sets a password is a secret.
EMAIL_BACKEND = given("LAER_EMAIL_BACKEND", "laer.web.people.mail_backend.SenderBackend")
MAIL_BY_SENDER = not given("LAER_EMAIL_BACKEND", "")
MAIL_IS_SENT = not MAIL_BY_SENDER and "dummy" not in EMAIL_BACKEND  # by the environment's backend, whatever the sender says
PRIVATE_ADDRESSES = home.networks("LAER_PRIVATE_ADDRESSES")  # networks of our own that calls of other programs may go to
DEFAULT_FROM_EMAIL = os.environ.get("LAER_EMAIL_FROM", "laer@localhost")

# Login limits must hold across processes, so they live in the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "runs_cache"}}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Cookies know no ports: two installations on one machine must not log each other out.
OURS = blake2b(str(home.home()).encode(), digest_size=4).hexdigest()
SESSION_COOKIE_NAME = f"laer_session_{OURS}"
CSRF_COOKIE_NAME = f"laer_csrf_{OURS}"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
UPLOAD_LIMIT = int(os.environ.get("LAER_UPLOAD_MB", "512")) * 2**20

LANGUAGE_CODE = "en"
# English, and every language that a catalogue was put into the installation for: a translation is a file.
LOCALE_PATHS = [home.catalogues(), BASE / "locale"]
LANGUAGES = [(code, code) for code in catalogues.languages(LOCALE_PATHS)]
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "static"]
STATIC_ROOT = home.home() / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "laer.web.static_files.CompressedOnce" if not DEBUG else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
# Names that hold a hash of what is in them, Django's or esbuild's own (charts-1A2B3C4D.js, which a script asks for): never asked for again.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/dist/.+(\.[0-9a-f]{12}\.\w+|-[0-9A-Z]{8}\.js)$"
APPEND_SLASH = True

LOG_FORMAT = os.environ.get("LAER_LOG_FORMAT", "text").strip().lower()
if LOG_FORMAT not in {"text", "json"}:
    raise SystemExit(f"LAER_LOG_FORMAT: found {LOG_FORMAT!r}, expected text or json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "laer.web.logs.Text"}, "json": {"()": "laer.web.logs.Json"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": os.environ.get("LAER_LOG_LEVEL", "WARNING")},
    # Django's own handler and formatter would print the paths; of a request that failed it says the traceback, of others we say the line.
    "loggers": {"django": {"handlers": [], "propagate": True}, "django.request": {"level": "ERROR"}, "django.server": {"handlers": [], "propagate": True}},
}
