"""A browser's push subscription as checked values."""

from typing import Any

from flask_babel import gettext
from pydantic import BaseModel, ConfigDict, ValidationError

from companion.config import Config
from companion.errors import Invalid
from companion.push import rules


class _Keys(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    p256dh: str
    auth: str


class SubscriptionForm(BaseModel):
    """What `PushSubscription.toJSON()` gives, and our key that it was made for."""

    model_config = ConfigDict(strict=True, extra="ignore")
    endpoint: str
    keys: _Keys
    key: str


def parse_subscription(body: dict[str, Any], config: Config, public_key: str) -> SubscriptionForm:
    """Invalid where the endpoint is no push service we send to, or a key cannot be one."""
    try:
        form = SubscriptionForm.model_validate(body)
    except ValidationError as error:
        raise Invalid(
            {".".join(map(str, fault["loc"])): gettext("Missing or not text") for fault in error.errors()}
        ) from None
    faults = {}
    if not rules.is_allowed_endpoint(form.endpoint, config.push_hosts, insecure_loopback=config.push_insecure_loopback):
        faults["endpoint"] = gettext("This push service is not supported")
    if not rules.is_good_point(form.keys.p256dh):
        faults["keys.p256dh"] = gettext("This is not a device key")
    if not rules.is_good_auth(form.keys.auth):
        faults["keys.auth"] = gettext("This is not a device secret")
    if form.key != public_key:
        faults["key"] = gettext("This device subscribed with an older key. Subscribe again")
    if faults:
        raise Invalid(faults)
    return form
