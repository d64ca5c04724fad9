"""Writes docs/rules/*.md and the README's table from the rules, and docs/probe.md from the probe's checks.

With --check it only says what is outdated.

usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from convdiag_lint.output.explain import page
from convdiag_lint.rules import ALL
from runtime_probe.output import manual

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- rules: written by docs/generate.py -->", "<!-- end of rules -->"


def wanted() -> dict[Path, str]:
    """Return every generated file with the text that it should have."""
    pages = {ROOT / "docs" / "rules" / f"{rule.code}.md": page(rule) for rule in ALL}
    pages[ROOT / "docs" / "probe.md"] = manual.page()
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    rows = [f"| [{r.code}](docs/rules/{r.code}.md) | {r.name} | {r.summary.strip()} |" for r in ALL]
    table = "\n".join(["| code | name | flags |", "|---|---|---|", *rows])
    return {**pages, readme: f"{before}{START}\n\n{table}\n\n{END}{after}"}


def outdated() -> list[Path]:
    """Return the files that differ from what they should be, and pages of rules long gone."""
    texts = wanted()
    differ = [p for p, text in texts.items() if not p.exists() or p.read_text("utf-8") != text]
    return differ + [p for p in (ROOT / "docs" / "rules").glob("*.md") if p not in texts]


def main() -> int:
    """Write what is outdated; with --check only say so."""
    check = "--check" in sys.argv[1:]
    texts = wanted()
    stale = outdated()
    for path in stale:
        print(f"{'outdated' if check else 'written'}: {path.relative_to(ROOT)}")
        if check:
            continue
        if path in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], "utf-8")
        else:
            path.unlink()
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
