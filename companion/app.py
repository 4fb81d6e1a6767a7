"""The web application: blueprints, guards, error pages."""

import gc
import threading

from flask import Flask
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix

from companion.access import routes as access
from companion.accounts import routes as accounts
from companion.config import Config
from companion.console import cases, coverage, enrolment, expected, figures, patients, policies, protocol, queue, rota
from companion.inbox import routes as inbox
from companion.operations import routes as operations
from companion.outbox import routes as outbox
from companion.passkeys import routes as passkeys
from companion.phone import routes as phone
from companion.push import routes as push
from companion.reactions import routes as reactions
from companion.runtime import Runtime
from companion.schedule import routes as schedule
from companion.schema import require_newest
from companion.triage.lexicon import load_shipped_lexicons
from companion.web import assets, guards, pages, style
from companion.wiring import build_runtime
from companion.worker import Rescue

_PAGES = (
    style,
    push,
    access,
    passkeys,
    outbox,
    inbox,
    schedule,
    reactions,
    phone,
    operations,
    queue,
    cases,
    coverage,
    enrolment,
    expected,
    figures,
    patients,
    policies,
    protocol,
    rota,
)


def from_environment() -> Flask:
    """The application of this process, by its environment; Misconfigured without secrets or the newest schema."""
    runtime = build_runtime(Config())
    require_newest(runtime.db)
    rescue = Rescue(runtime)
    threading.Thread(target=rescue.run, args=(threading.Event(),), name="rescue", daemon=True).start()
    app = create_app(runtime)
    gc.collect()
    gc.freeze()  # as in `worker.run`
    return app


def create_app(runtime: Runtime) -> Flask:
    """The application that serves `runtime`; RuntimeError if an endpoint does not say who may call it."""
    app = Flask("companion", template_folder=None, static_folder=None)
    app.extensions["companion"] = runtime
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    app.config["TRUSTED_HOSTS"] = list(runtime.config.hosts)
    if hops := runtime.config.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # the documented way to wrap it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    load_shipped_lexicons()  # a second of work that no patient should wait for
    pages.install(app, runtime)
    # No page holds a secret beside text from outside, so compressing tells nobody anything (BREACH).
    Compress(app)
    assets.install(app)
    accounts.install(app)
    for package in _PAGES:
        app.register_blueprint(package.blueprint)
    guards.install(app, runtime.config)
    return app
