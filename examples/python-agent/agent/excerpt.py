"""The part of a section that answers a question."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from .search import terms_of
from .sections import Section

_MAX_TABLE_ROWS = 5
_MAX_CODE_LINES = 14
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_TABLE_RULE = re.compile(r"\s*\|[\s:|-]+\|?\s*$")
_ITEM = re.compile(r"\s*([-*]|\d+\.)\s")

Weigh = Callable[[str], float]


def excerpt(section: Section, question: str, budget: int) -> str:
    """What says most about the question, as Markdown of about ``budget`` characters."""
    blocks = _blocks_of(section.body)
    weigh = _rarity_of(blocks, set(terms_of(question)))
    shortened = [_shorten(block, weigh) for block in blocks]
    scores = [weigh(block) for block in shortened]
    ranked = sorted(range(len(blocks)), key=lambda at: (-scores[at], at))
    chosen: list[int] = []
    length = 0
    for at in ranked:
        if chosen and (length + len(shortened[at]) > budget or scores[at] <= scores[ranked[0]] / 3):
            continue
        chosen.append(at)
        length += len(shortened[at])
    return "\n\n".join(shortened[at] for at in sorted(chosen))


def plain_line(markdown: str, limit: int) -> str:
    """The same as one line of at most ``limit`` characters, without marks."""
    line = re.sub(r"^\s*(`{3,}|~{3,}).*$", "", markdown, flags=re.MULTILINE)
    line = re.sub(r"^\s*\|?[\s:|-]+\|?\s*$", "", line, flags=re.MULTILINE)
    line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
    line = re.sub(r"^[\s>*-]+", "", line, flags=re.MULTILINE)
    line = re.sub(r"\s+", " ", re.sub(r"[`|]|\*\*", " ", line)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _blocks_of(markdown: str) -> list[str]:
    """Paragraphs, lists, tables and whole code blocks."""
    blocks: list[str] = []
    lines: list[str] = []
    in_code = False

    def finish() -> None:
        if lines:
            blocks.append("\n".join(lines))
        lines.clear()

    for line in markdown.split("\n"):
        is_fence = _FENCE.match(line) is not None
        if not in_code and (is_fence or not line.strip()):
            finish()
        if in_code or line.strip():
            lines.append(line)
        if is_fence and in_code:
            finish()
        if is_fence:
            in_code = not in_code
    finish()
    return blocks


def _shorten(block: str, weigh: Weigh) -> str:
    """Keeps of a long table, list or listing what the question is about."""
    lines = block.split("\n")
    if lines[0].lstrip().startswith("|") and len(lines) > 1 and _TABLE_RULE.match(lines[1]):
        return "\n".join([*lines[:2], *_best_lines(lines[2:], weigh)])
    if _ITEM.match(lines[0]):
        return "\n".join(_best_lines(lines, weigh))
    if _FENCE.match(lines[0]) and len(lines) > _MAX_CODE_LINES:
        return "\n".join([*lines[: _MAX_CODE_LINES - 2], "…", lines[-1]])
    return block


def _best_lines(lines: Sequence[str], weigh: Weigh) -> list[str]:
    if len(lines) <= _MAX_TABLE_ROWS:
        return list(lines)
    best = sorted(range(len(lines)), key=lambda at: (-weigh(lines[at]), at))[:_MAX_TABLE_ROWS]
    return [lines[at] for at in sorted(best)]


def _rarity_of(blocks: Sequence[str], wanted: set[str]) -> Weigh:
    """Weighs a text by the wanted words it has; a word that few blocks have weighs more."""
    present = [set(terms_of(block)) for block in blocks]
    weights = {term: math.log(1 + len(blocks) / (sum(term in terms for terms in present) + 0.5)) for term in wanted}
    return lambda text: sum(weights.get(term, 0.0) for term in set(terms_of(text)))
