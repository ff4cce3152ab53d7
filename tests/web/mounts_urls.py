"""Django's URLs in `mounts`: a sign-in that believes everybody."""

from __future__ import annotations

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import path


def sign_in(request: HttpRequest, name: str, role: str) -> HttpResponse:
    """Sign in as *name*, who may look, or everything."""
    user, _ = get_user_model().objects.get_or_create(
        username=name, is_staff=role != "nobody", is_superuser=role == "admin"
    )
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("signed in")


urlpatterns = [path("sign-in/<name>/<role>", sign_in)]
