"""Where jobs run: threads for ``def``, an event loop of its own for ``async def``."""
