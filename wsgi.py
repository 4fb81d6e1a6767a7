"""For any WSGI server: `gunicorn wsgi:app`."""

from companion.app import from_environment

app = from_environment()
