"""The page's files keep to the policy that the server sends, and to contrasts that can be read."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import edge.ui.app

STATIC = Path(edge.ui.app.__file__).parent / "static"
PAGE = (STATIC / "index.html").read_text()
SCRIPTS = {path.name: path.read_text() for path in sorted((STATIC / "app").rglob("*.js"))}
STYLES = "\n".join(path.read_text() for path in sorted((STATIC / "css").glob("*.css")))
SVG = "{http://www.w3.org/2000/svg}"

AA_TEXT = 4.5
AA_GRAPHIC = 3.0
TEXT_ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink-soft", "paper"),
    ("ink-soft", "card"),
    ("on-brand", "brand"),
    ("on-brand", "brand-deep"),
    ("brand", "card"),
    ("brand-deep", "brand-soft"),
    ("ink", "brand-soft"),
    ("on-practice", "practice"),
    ("error", "paper"),
    ("error", "error-soft"),
    ("card", "error"),
    ("low", "paper"),
    *(
        (colour, ground)
        for tier in ("low", "moderate", "high", "cannot")
        for colour, ground in [("ink", f"{tier}-soft")]
    ),
    *(("card", tier) for tier in ("low", "moderate", "high", "cannot")),
]
"""Colours of text and what they stand on."""


def colours() -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", STYLES))


def contrast(one: str, other: str) -> float:
    """Ratio after WCAG 2.2, section 1.4.3."""

    def luminance(colour: str) -> float:
        channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_page_has_no_inline_script_or_style() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", PAGE)
    assert re.findall(r"<script(?![^>]*\ssrc=)", PAGE) == []


def test_nothing_comes_from_elsewhere() -> None:
    for name, text in [("page", PAGE), ("styles", STYLES), *SCRIPTS.items()]:
        addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"'`]*", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), name


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_store_nothing_and_never_turn_text_into_markup(name: str) -> None:
    forbidden = (
        r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.|pushState|replaceState"
        r"|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    assert not re.search(forbidden, SCRIPTS[name])


def test_every_file_that_the_page_asks_for_is_there() -> None:
    for address in re.findall(r'(?:href|src)="/static/([^"]+)"', PAGE):
        assert (STATIC / address).is_file(), address
    for path in (STATIC / "app").rglob("*.js"):
        for target in re.findall(r'from "(\.[^"]+)"', path.read_text()):
            assert (path.parent / target).is_file(), f"{path.name}: {target}"


def test_every_icon_is_drawn_and_none_is_left_over() -> None:
    drawn = {symbol.attrib["id"].removeprefix("i-") for symbol in ET.parse(STATIC / "icons.svg").iter(f"{SVG}symbol")}
    named = set(re.findall(r'"([a-z-]+)"', "\n".join(SCRIPTS.values())))
    called = set(re.findall(r'icon\("([a-z-]+)"|(?:picture|after|mark): "([a-z-]+)"', "\n".join(SCRIPTS.values())))
    assert {name for pair in called for name in pair if name} <= drawn
    assert drawn <= named


def test_fields_ask_the_browser_to_remember_nothing() -> None:
    assert 'autocomplete: "off"' in SCRIPTS["form.js"]
    for name, script in SCRIPTS.items():
        for form in re.findall(r'"form",\s*\{.*?\}', script, re.DOTALL):
            assert 'autocomplete: "off"' in form, name


@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read(text: str, ground: str) -> None:
    assert contrast(colours()[text], colours()[ground]) >= AA_TEXT


@pytest.mark.parametrize("ground", ["paper", "card"])
def test_edges_of_what_can_be_touched_are_seen(ground: str) -> None:
    assert contrast(colours()["edge"], colours()[ground]) >= AA_GRAPHIC
