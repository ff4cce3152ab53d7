"""The Django application: put ``"mainspring.integrations.django"`` into INSTALLED_APPS, and migrate."""
