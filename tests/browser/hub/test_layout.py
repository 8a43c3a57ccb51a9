"""What can be measured of the pages: size of targets, contrast of text, nothing cut off."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

SIZES = [(800, 480), (1920, 1080), (360, 640)]
# Links within a sentence are exempt (WCAG 2.5.8); there are none here. A label is its control's target.
TARGETS = """() => [...document.querySelectorAll('a, button, summary, label, input:not(.heat-switch)')]
    .filter((node) => node.checkVisibility() && !node.matches('.skip, .panel label'))
    .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
    .filter(([, box]) => Math.round(box.width) < 48 || Math.round(box.height) < 48)
    .map(([html, box]) => `${html} is ${box.width} x ${box.height}`)"""
# WCAG 2.x relative luminance; colours are solid wherever text stands, which `backdrop` checks.
CONTRAST = """() => {
    const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const parse = (css) => css.match(/[0-9.]+/g).map(Number);
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const backdrop = (node) => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
    };
    const poor = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !node.checkVisibility()) continue;
        const [a, b] = [parse(getComputedStyle(node).color), backdrop(node)].map(luminance);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push(`${texts.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
    }
    return poor;
}"""


@pytest.fixture
def one_of_each(kiosk: Any) -> None:
    patient = kiosk.register()
    for tier in ("low", "moderate", "high", "cannot-assess"):
        kiosk.analyse(tier, simulated=tier == "high", upload=tier != "moderate", patient_id=patient, wait=tier != "low")


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.usefixtures("one_of_each")
def test_the_results_page_is_easy_to_hit_and_to_read(open_page: Callable[..., Page], width: int, height: int) -> None:
    for scheme in ("light", "dark"):
        page = open_page(width=width, height=height, color_scheme=scheme)
        for summary in page.locator("summary").all():
            summary.click()

        assert page.evaluate(TARGETS) == []
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_so_is_the_sign_in_page(open_page: Callable[..., Page], width: int, height: int) -> None:
    for scheme in ("light", "dark"):
        page = open_page(role=None, width=width, height=height, color_scheme=scheme, refusals_expected=True)
        page.get_by_label("Access token").fill("unknown")
        page.get_by_role("button", name="Sign in").click()

        assert page.evaluate(TARGETS) == []
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.usefixtures("one_of_each")
def test_the_page_works_by_keyboard_alone(open_page: Callable[..., Page]) -> None:
    page = open_page(width=800, height=480)
    focused = "(() => { const f = document.activeElement; return f.className || f.id || f.tagName; })()"
    order = []
    for _ in range(14):
        page.keyboard.press("Tab")
        order.append(page.evaluate(focused))

    assert order[:3] == ["skip", "brand", "plain"]
    assert order[3:8] == [
        "chip chip-all",
        "chip chip-high",
        "chip chip-moderate",
        "chip chip-low",
        "chip chip-cannot-assess",
    ]
    assert order[8:12] == ["picture", "heat-switch", "INPUT", "SUMMARY"]


def test_the_policy_allows_nothing_inline_and_nothing_foreign(open_page: Callable[..., Page]) -> None:
    page = open_page()

    policy = page.request.get(page.url).headers["content-security-policy"]

    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
