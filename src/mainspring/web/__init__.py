"""The dashboard: see everything, act safely. ``Dashboard(app, auth=...)`` is an ASGI app to mount anywhere.

It needs the extra ``web``. It reads the store through the data API alone, so that it may run in a process of its own.
"""

from mainspring.web.dashboard import Dashboard
from mainspring.web.settings import Link
from mainspring.web.signin import Anyone, Basic, Loopback, ProxyHeader, Token
from mainspring.web.users import User

__all__ = ["Anyone", "Basic", "Dashboard", "Link", "Loopback", "ProxyHeader", "Token", "User"]
