"""A Django site in a temporary folder, with one page that tells who is signed in."""

import json
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path

from program import printed, run, serve_wsgi

urlpatterns = []


def start(apps, routes, user, **more):
    """Starts the site with the printed settings, `apps` besides Django's, and `routes`: prefix and module of their URLs. `user`
    makes the answer of /user."""
    folder = tempfile.TemporaryDirectory()
    defaults = {
        "SECRET_KEY": "a secret of the program",
        "ALLOWED_HOSTS": ["localhost"],
        "ROOT_URLCONF": __name__,
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(folder.name) / "site.db"}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")),
            *apps,
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "LOGIN_REDIRECT_URL": "/user",
        "USE_TZ": True,
    }
    lines = {name: value for name, value in run(printed()).items() if name.isupper()}
    middleware = defaults["MIDDLEWARE"] + more.pop("MIDDLEWARE", [])
    settings.configure(**{**defaults, **lines, **more, "MIDDLEWARE": middleware})
    django.setup()
    urlpatterns.extend(path(prefix, include(module)) for prefix, module in routes)
    urlpatterns.append(path("user", lambda request: JsonResponse(user(request))))
    urlpatterns.append(path("csrf", lambda request: HttpResponse(json.dumps({"token": get_token(request)}))))
    call_command("migrate", verbosity=0)
    serve_wsgi(get_wsgi_application())
    return folder
