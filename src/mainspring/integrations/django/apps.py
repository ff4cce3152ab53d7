"""How Django knows this application."""

from __future__ import annotations

from django.apps import AppConfig


class MainspringConfig(AppConfig):
    """Jobs for Django; its one migration makes the tables of the outbox."""

    name = "mainspring.integrations.django"
    label = "mainspring"
    verbose_name = "mainspring"
    default_auto_field = "django.db.models.BigAutoField"
