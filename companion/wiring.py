"""Builds the runtime; the only place that picks the real clock, database and secrets."""

from companion.clock import utc_now
from companion.config import Config, load_secrets
from companion.db import Database
from companion.runtime import Runtime

# Every package's tables register themselves with the metadata; foreign keys name them by string.
from companion.access import models as _access  # noqa: F401 isort: skip
from companion.accounts import models as _accounts  # noqa: F401 isort: skip
from companion.clinic import models as _clinic  # noqa: F401 isort: skip
from companion.course import models as _course  # noqa: F401 isort: skip
from companion.coverage import models as _coverage  # noqa: F401 isort: skip
from companion.escalation import models as _escalation  # noqa: F401 isort: skip
from companion.operations import models as _operations  # noqa: F401 isort: skip
from companion.outbox import models as _outbox  # noqa: F401 isort: skip
from companion.policies import models as _policies  # noqa: F401 isort: skip
from companion.passkeys import models as _passkeys  # noqa: F401 isort: skip
from companion.protocols import models as _protocols  # noqa: F401 isort: skip
from companion.push import models as _push  # noqa: F401 isort: skip
from companion.reactions import models as _reactions  # noqa: F401 isort: skip
from companion.schedule import models as _schedule  # noqa: F401 isort: skip


def build_runtime(config: Config) -> Runtime:
    """The runtime of a process; Misconfigured if a secret is missing or the settings make no sense."""
    return Runtime(
        config=config,
        secrets=load_secrets(config.data_dir / "secrets"),
        db=Database(config.url),
        clock=utc_now,
    )
