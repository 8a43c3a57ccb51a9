"""The cookie that carries a browser's session; scripts cannot read it, and no other site can make it travel."""

from fastapi import Request, Response

from hub.api.deps import SESSION_COOKIE, Services


def set_session_cookie(response: Response, request: Request, running: Services, token: str) -> None:
    """Let the browser keep the session's token; behind a proxy that ends TLS, too, by https only."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=running.settings.staff.session_s,
        httponly=True,
        samesite="strict",
        secure="https" in (request.url.scheme, running.settings.origin.partition(":")[0]),
    )


def session_label(request: Request) -> str:
    """How a session is told apart in the list: browser and system, as the browser names itself."""
    agent = request.headers.get("user-agent", "")
    browsers = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chromium"), ("Safari/", "Safari"))
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    browser = next((name for mark, name in browsers if mark in agent), "Browser")
    system = next((name for mark, name in systems if mark in agent), None)
    return f"{browser} on {system}" if system else browser
