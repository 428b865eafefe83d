"""report.html as it is read: offline, by keyboard and screen reader, in the dark, on paper."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "rect", "line", "circle", "use"}


class Page(HTMLParser):
    """Elements in order, with their attributes and the elements they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.words: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open:
            self.words.append((self._open[-1], data.strip()))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes, _ in self.elements if tag in tags]


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text())


def test_it_needs_nothing_but_itself(page: Page, folder: Path) -> None:
    """No script, no request: every link is a part of it, a file beside it, or Dagster here."""
    assert page.all("script", "img", "iframe", "link", "object", "embed", "form") == []
    assert not re.search(r"@import|url\((?!#)", page.text)
    assert not any(name.startswith("on") for _, a, _ in page.elements for name in a)
    assert [a["content"] for a in page.all("meta") if "http-equiv" in a] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]
    for link in page.all("a"):
        target = str(link["href"])
        if target.startswith("#"):
            assert f'id="{target[1:]}"' in page.text, target
        elif not target.startswith("http://127.0.0.1:3000/assets/"):
            assert (folder / target).is_file(), target


def test_landmarks_headings_and_names(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    for landmark in ("header", "main", "nav", "footer"):
        assert len(page.all(landmark)) == 1, landmark
    first_link = page.all("a")[0]
    assert (first_link["class"], first_link["href"]) == ("skip", "#main")
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for section in page.all("section"):
        assert section["aria-labelledby"] in ids
    for tag, attributes, _ in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids, (tag, attributes)


def test_tables_and_charts_speak_to_those_who_do_not_see(page: Page) -> None:
    tables = len(page.all("table"))
    assert tables > 20
    assert len(page.all("caption")) == tables
    assert all(a.get("scope") == "col" for a in page.all("th"))
    for attributes in page.all("div"):
        if "scroll" in str(attributes.get("class")):  # reached and moved by keyboard
            assert (attributes["tabindex"], attributes["role"]) == ("0", "region")
            assert attributes["aria-label"]
    charts = [a for tag, a, inside in page.elements if tag == "svg" and "svg" not in inside]
    assert len(charts) >= 6
    assert all(a["aria-hidden"] == "true" for a in charts)
    figures = page.all("figure")
    assert len(figures) == len(charts)  # its sentence and its table stand for the picture
    assert all(a["aria-label"] for a in figures)
    assert page.text.count("<figcaption>") == len(figures)
    # A colour never stands alone: each state has its words.
    assert not re.search(r'<span class="pill[^"]*"></span>', page.text)


def test_every_part_of_the_domain_has_its_section_in_the_order_of_reading(page: Page) -> None:
    sections = [a["id"] for a in page.all("section") if a.get("class") == "part"]
    assert sections == [
        "changes", "incidents", "revenue", "reconciliation", "tax", "risk", "compliance",
        "quality", "setup", "specialists", "handoffs", "knowledge", "coverage",
    ]  # fmt: skip
    anchors = [str(a["href"])[1:] for tag, a, inside in page.elements
               if tag == "a" and "nav" in inside]  # fmt: skip
    assert anchors == sections
    frameworks = {a["id"] for a in page.all("section") if a.get("class") == "framework"}
    assert frameworks == {
        f"framework-{name}"
        for name in ("data_quality", "finance", "pci_dss", "sox", "gdpr", "regional")
    }


def test_each_framework_has_a_page_with_every_control_and_what_to_do(
    page: Page, folder: Path, copied: Any
) -> None:
    linked = {str(a["href"]) for a in page.all("a") if "frameworks/" in str(a["href"])}
    assert linked == {f"frameworks/{path.name}" for path in (folder / "frameworks").iterdir()}
    for path in sorted((folder / "frameworks").iterdir()):
        own = Page(path.read_text())
        assert own.all("script", "img", "link", "form") == []
        for link in own.all("a"):
            file, _, anchor = str(link["href"]).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), link
            assert not anchor or f'id="{anchor}"' in target.read_text(), link
        controls = [c for c in copied.controls if c["framework"] == path.stem]
        assert controls
        for control in controls:
            assert control["control_id"] in own.text
            assert str(escape(control["requirement"])) in own.text
        assert own.text.count("<tr>") == len(controls) + 1
        assert 'aria-label="' in own.text


def test_each_figure_says_where_it_comes_from(page: Page, document: dict[str, Any]) -> None:
    for figure in document["revenue_metrics"]["key_figures"]:
        assert str(escape(figure["query"])) in page.text
        assert f"/assets/{figure['asset']}" in page.text
        if figure["explain"]:
            assert figure["explain"] in page.text
    for row in document["revenue_metrics"]["movements_largest"]["rows"]:
        assert row["explain"] in page.text


def test_account_text_is_text(facts: Any) -> None:
    page = facts.page(
        "update finance.reconciliation_breaks set detail = '<img src=x onerror=alert(1)>',"
        " action = '<script>alert(2)</script>`<b>`'"
    )
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert Page(page).all("script", "img") == []


def style() -> str:
    return files("heirpay_pipelines.report").joinpath("templates", "report.css").read_text("utf-8")


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", text))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_can_be_read_in_the_light_and_in_the_dark(mode: str) -> None:
    """WCAG 2.2 AA, 1.4.3: 4.5 to 1 for text."""
    light, _, rest = style().partition("@media (prefers-color-scheme: dark)")
    found = colours(light)
    if mode == "dark":
        found |= colours(rest.partition("* { box-sizing")[0])
    pairs = [(ink, ground) for ink in ("ink", "muted", "link") for ground in ("page", "card")]
    pairs += [(tone, f"{tone}-soft") for tone in ("good", "bad", "warn", "quiet")]
    pairs += [(tone, "card") for tone in ("good", "bad", "warn")] + [("ink", "soft")]
    weak = {pair: contrast(found[pair[0]], found[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


def test_paper_shows_what_counts() -> None:
    printed = style().partition("@media print")[2]
    assert "details-content" in printed  # closed sections are printed open
    assert "display: none" in printed  # commands to paste are not
    assert "size: A4" in printed
