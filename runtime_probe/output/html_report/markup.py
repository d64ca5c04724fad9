"""HTML that cannot be forgotten to be escaped: whatever is not Markup is text, and text is escaped."""

from __future__ import annotations

import html
import unicodedata

VOID = frozenset({"br", "col", "meta"})
"""Elements without content. Those of SVG may hold a title, and are closed."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Characters that a page swallows, refuses or obeys: controls, marks that turn the direction, halves of pairs."""


class Markup(str):
    """HTML as it stands."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return anything as HTML text, safe in content and in attributes; Markup comes back as it is."""
    return value if isinstance(value, Markup) else Markup(html.escape(_visible(str(value))))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element.

    Args:
        name: Of the element.
        children: Markup, or values whose text it becomes; None is left out.
        attributes: `class_` is class, `stroke_width` is stroke-width; None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{join(*children)}</{name}>")


def join(*parts: object) -> Markup:
    """Return parts one after the other."""
    return Markup("".join(text(part) for part in parts if part is not None))


def table(headers: list[str], rows: list[list[object]], caption: str, class_: str = "") -> Markup:
    """Return a table that scrolls within its own box; the first cell of a row names it."""
    head = tag("tr", *[tag("th", header, scope="col") for header in headers])
    body = [tag("tr", tag("th", row[0], scope="row"), *[tag("td", cell) for cell in row[1:]]) for row in rows]
    made = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_=class_ or None)
    return scrolling(made, caption)


def scrolling(content: Markup, label: str) -> Markup:
    """Return a box of its own for what may be wider than the page; the keyboard can scroll it."""
    return tag("div", content, class_="wide", tabindex=0, role="region", aria_label=label)


def _visible(value: str) -> str:
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in _HIDDEN else ascii(char)[1:-1] for char in value
    )
