"""A full-text search over a few hundred sections, without an index."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .sections import Section

# Term saturation and length normalisation of BM25, at the values that Lucene uses.
_K1 = 1.2
_B = 0.75
# How many times a word in a heading counts.
_HEADING_WEIGHT = 3

_WORD = re.compile(r"[^\W_]\w*")
_STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "give",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "one",
        "or",
        "should",
        "so",
        "some",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "use",
        "used",
        "using",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


@dataclass(frozen=True)
class Hit:
    """A section that was found; a higher score is better."""

    section: Section
    score: float


def terms_of(text: str) -> list[str]:
    """The words that a search goes by: lower case, without stop words, endings and compound names cut down."""
    terms: list[str] = []
    for word in _WORD.findall(text.lower()):
        if word in _STOP_WORDS:
            continue
        terms.append(_stem(word))
        if "_" in word:
            terms.extend(_stem(part) for part in word.split("_") if part)
    return terms


def search(sections: Sequence[Section], question: str, limit: int) -> list[Hit]:
    """Ranks sections by how well they fit the question, best first. One without any of its words is no hit."""
    wanted = set(terms_of(question))
    documents: list[tuple[Section, Counter[str], int]] = []
    for section in sections:
        heading, body = terms_of(section.heading), terms_of(section.body)
        counts = Counter(body)
        for term in heading:
            counts[term] += _HEADING_WEIGHT
        documents.append((section, counts, len(heading) + len(body)))
    average = sum(length for _, _, length in documents) / (len(documents) or 1)
    rarity: dict[str, float] = {}
    for term in wanted:
        having = sum(term in counts for _, counts, _ in documents)
        rarity[term] = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))

    def score(counts: Counter[str], length: int) -> float:
        return sum(
            weight * counts[term] * (_K1 + 1) / (counts[term] + _K1 * (1 - _B + _B * length / average))
            for term, weight in rarity.items()
        )

    hits = [Hit(section, score(counts, length)) for section, counts, length in documents]
    return sorted((hit for hit in hits if hit.score > 0), key=lambda hit: -hit.score)[:limit]


def _stem(word: str) -> str:
    """A crude stem, enough to bring the common English endings together."""
    if len(word) > 5 and word.endswith("ing"):
        return word[:-3]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith("ly"):
        return word[:-2]
    if len(word) > 4 and word.endswith("ed"):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return _stem(word[:-1])
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
