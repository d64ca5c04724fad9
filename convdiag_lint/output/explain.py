"""A rule's metadata as a page; documentation and `explain` are the same text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convdiag_lint.rules.base import Rule


def page(rule: Rule) -> str:
    """Return the page of one rule, in Markdown."""
    quote = textwrap.indent(_filled(rule.seed), "> ", lambda _: True)
    return "\n".join(
        [
            f"# {rule.code} {rule.name}",
            "",
            "## What it does",
            "",
            _filled(rule.summary),
            "",
            "## Why is this bad?",
            "",
            _filled(rule.why),
            "",
            quote,
            "",
            "## Example",
            "",
            _code(rule.example),
            "",
            "## Use instead",
            "",
            _code(rule.fix),
            "",
        ]
    )


def _filled(text: str) -> str:
    paragraphs = textwrap.dedent(text).strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(paragraph, 96, break_on_hyphens=False, break_long_words=False) for paragraph in paragraphs
    )


def _code(text: str) -> str:
    return f"```python\n{textwrap.dedent(text).strip()}\n```"
