"""`ioc run console`: the application under uvicorn, ended in order by SIGTERM."""

from __future__ import annotations

import uvicorn

from pipeline.config import Settings
from pipeline.console.app import create_app
from pipeline.console.database import session_key
from pipeline.core.errors import ServiceMissing
from pipeline.core.telemetry import log


class _Server(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup(sockets=sockets)  # type: ignore[arg-type]
        if self.started:
            log.info("console ready", host=self.config.host, port=self.config.port)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ServiceMissing when the database is away or the port is taken."""
    key = session_key(settings.postgres.dsn.get_secret_value())
    server: _Server | None = None
    app = create_app(settings, key, lambda: server is not None and server.should_exit)
    console = settings.console
    server = _Server(
        uvicorn.Config(
            app,
            host=console.host,
            port=console.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    try:
        await server.serve()
    except SystemExit:
        address = f"{console.host}:{console.port}"
        raise ServiceMissing(
            "The console's port",
            address,
            "end what uses it, or set console.port",
            vi="tắt chương trình đang dùng cổng, hoặc đổi console.port",
        ) from None
