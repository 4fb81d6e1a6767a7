"""Every page by role, also those that are only found by going there."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from tests.browser.installation import Installation

PUBLIC = ["/sign-in", "/join", "/app", "/nothing-here", "/shell/en", "/shell/fr", "/style"]
PATIENT = [
    "/",
    "/reactions/new",
    "/reactions",
    "/sessions",
    "/aftercare",
    "/call",
    "/install",
    "/phones",
    "/inbox",
    "/reminders",
]
NURSE = [
    "/console/",
    "/console/patients",
    "/console/patients/new",
    "/console/protocol",
    "/console/coverage",
    "/console/coverage/email",
    "/console/rota",
    "/console/hours",
    "/console/policies",
    "/console/figures",
    "/install",
    "/phones",
    "/inbox",
]

SignedIn = Callable[..., BrowserContext]


def choose_language(context: BrowserContext, product: Installation, language: str) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert context.request.post(f"{product.url}/language", form={"language": language}, headers=headers).ok


def pages_of(role: str) -> list[str]:
    return {"nobody": PUBLIC, "patient": PATIENT, "nurse": NURSE}[role]


def all_addresses(page: Page, product: Installation, role: str) -> list[str]:
    """The role's pages, and the ones that are only found by going there."""
    found = list(pages_of(role))
    if role == "nurse":
        for start, link in (("/console/", ".case a"), ("/console/patients", "main ul a")):
            page.goto(product.url + start)
            found.append(page.locator(link).first.get_attribute("href") or "")
    if role == "patient":
        page.goto(f"{product.url}/reactions")
        found.append(page.locator("a[href^='/reactions/']:not([href$='new'])").first.get_attribute("href") or "")
    return found
