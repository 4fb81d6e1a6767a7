"""Web and worker as processes of their own that can be killed.

They are forked from one that has imported the product, so that starting one takes milliseconds, not seconds.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess

from sqlalchemy.orm import configure_mappers
from werkzeug.serving import make_server

from companion import crash, worker
from companion.app import create_app
from companion.config import Config
from companion.triage.lexicon import load_shipped_lexicons
from companion.triage.reader import load_shipped_protocol
from companion.wiring import build_runtime

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
# Read once, by the process that all others are forked from.
load_shipped_lexicons()
load_shipped_protocol()
configure_mappers()


def start_worker(settings: Mapping[str, str], point: str | None = None) -> ForkServerProcess:
    """A worker that dies at this point, if there is one."""
    return _start(_work, dict(settings), point)


def start_web(settings: Mapping[str, str], point: str | None = None) -> ForkServerProcess:
    """A web process, on COMPANION_PORT, that dies at this point, if there is one."""
    return _start(_serve, dict(settings), point)


def kill(process: ForkServerProcess) -> None:
    """SIGKILL, and wait until it is gone."""
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    process.close()


def _start(target: object, settings: dict[str, str], point: str | None) -> ForkServerProcess:
    process = _CONTEXT.Process(target=target, args=(settings, point), daemon=True)  # type: ignore[arg-type] # one of two
    process.start()
    return process


def _work(settings: dict[str, str], point: str | None) -> None:
    _prepare(settings, point)
    worker.run(build_runtime(Config()), threading.Event())


def _serve(settings: dict[str, str], point: str | None) -> None:
    _prepare(settings, point)
    config = Config()
    make_server(config.host, config.port, create_app(build_runtime(config)), threaded=True).serve_forever()


def _prepare(settings: dict[str, str], point: str | None) -> None:
    logging.disable(logging.CRITICAL)  # they are killed on purpose: what they say of it helps nobody
    os.environ.update(settings)
    if point:
        crash.arm(point)
