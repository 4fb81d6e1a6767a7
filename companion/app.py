"""The web application: blueprints, guards, error pages."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from companion.accounts import routes as accounts
from companion.outbox import routes as outbox
from companion.push import routes as push
from companion.reactions import routes as reactions
from companion.runtime import Runtime
from companion.schedule import routes as schedule
from companion.web import assets, guards, pages


def create_app(runtime: Runtime) -> Flask:
    """The application that serves `runtime`; RuntimeError if an endpoint does not say who may call it."""
    app = Flask("companion", template_folder=None, static_folder=None)
    app.extensions["companion"] = runtime
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    if hops := runtime.config.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # the documented way to wrap it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    pages.install(app)
    assets.install(app)
    accounts.install(app)
    for package in (push, outbox, schedule, reactions):
        app.register_blueprint(package.blueprint)
    guards.install(app, runtime.config)
    return app
