"""The documents, cut at their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
#: Where the documents say which tests show a thing: of use to those who change it, not to those who ask.
_EVIDENCE = re.compile(r"\s*\[tests/[^\]]*\]")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")


@dataclass(frozen=True)
class Section:
    """Everything between a heading and the next."""

    #: Path from the root of the documentation, with forward slashes.
    file: str
    #: The headings that lead here, outermost first, joined by " › "; the title is left out where a deeper one says more.
    heading: str
    #: The Markdown below the heading.
    body: str


def read_sections(root: Path) -> list[Section]:
    """Reads README.md, ARCHITECTURE.md and docs/*.md below ``root``, as far as they exist."""
    files = [root / "README.md", root / "ARCHITECTURE.md", *sorted((root / "docs").glob("*.md"))]
    return [
        section
        for file in files
        if file.is_file()
        for section in split_sections(file.relative_to(root).as_posix(), file.read_text("utf-8"))
    ]


def split_sections(file: str, markdown: str) -> list[Section]:
    """Cuts a document. A ``#`` inside a code block is no heading; an empty section is left out."""
    sections: list[Section] = []
    path: list[str] = []
    lines: list[str] = []
    fence: str | None = None

    def finish() -> None:
        body = _EVIDENCE.sub("", "\n".join(lines)).strip()
        if body:
            sections.append(Section(file, _heading_of(path, file), body))
        lines.clear()

    for line in markdown.splitlines():
        mark = _FENCE.match(line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and fence is not None and mark[1].startswith(fence):
            fence = None
        heading = _HEADING.match(line) if fence is None else None
        if heading is None:
            lines.append(line)
            continue
        finish()
        del path[len(heading[1]) - 1 :]
        path.append(_plain(heading[2]))
    finish()
    return sections


def _heading_of(path: Sequence[str], file: str) -> str:
    return " › ".join(path[1:] if len(path) > 1 else path) or file


def _plain(markdown: str) -> str:
    return re.sub(r"[`*]", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown))
