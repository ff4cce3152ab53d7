"""What `manage.py migrate` does for mainspring."""
