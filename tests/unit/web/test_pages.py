from hub.errors import NotFound
from hub.web.pages import SECURITY_HEADERS, STATIC_DIR, STATIC_TYPES, render


def test_pages_keep_to_themselves() -> None:
    headers = render("welcome.html", problem=None).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert {key: headers[key] for key in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_policy_leaves_no_room_for_inline_code_or_other_hosts() -> None:
    directives = dict(part.split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split("; "))

    assert directives["default-src"] == "'self'"
    assert set(directives.values()) <= {"'self'", "'none'"}
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"


def test_templates_hold_nothing_inline() -> None:
    for template in (STATIC_DIR.parent / "templates").iterdir():
        text = template.read_text()
        assert " style=" not in text
        assert "<style" not in text
        assert " on" + "click" not in text
        assert all(' src="/static/' in tag for tag in text.split("<script")[1:])


def test_every_static_file_is_served_and_every_served_file_is_there() -> None:
    assert {file.name for file in STATIC_DIR.iterdir()} == set(STATIC_TYPES)


def test_text_in_pages_is_escaped() -> None:
    class Hostile(NotFound):
        title = "<script>"

    text = bytes(render("error.html", error=Hostile("x"), signed_in=False).body).decode()

    assert "<h1>&lt;script&gt;</h1>" in text
