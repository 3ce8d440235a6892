"""Notes in Markdown, as safe HTML: what is not on the list of tags is gone, a link opens beside the page and tells nobody where from."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {
    "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "s", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
# `@[Maya Okafor](7)` names a person by number, so that a name that changes, or that two have, stays theirs.
MENTION = re.compile(r"@\[([^\]\n]{1,200})\]\((\d{1,18})\)")
_reader = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=1_024)
def as_html(text: str) -> SafeString:
    """The note as it is shown. No images: they would tell another server who reads."""
    html = _reader.render(MENTION.sub(lambda found: f"\ue000{found[1]}\ue001", text))
    clean = nh3.clean(
        html, tags=TAGS, attributes={"a": {"href", "title"}, "ol": {"start"}}, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow"
    )
    return mark_safe(re.sub("\ue000([^\ue000\ue001]*)\ue001", r'<span class="mention">@\1</span>', clean).translate({0xE000: None, 0xE001: None}))


def mentioned(text: str) -> set[int]:
    """Numbers of the people whom a note names."""
    return {int(number) for _, number in MENTION.findall(text)}


def plain(text: str) -> str:
    """A note in one line, without its marks: for a list."""
    return " ".join(MENTION.sub(r"@\1", text).split())


def with_mentions(text: str, people: list[tuple[int, str]]) -> str:
    """`@Maya Okafor` as somebody types it -> `@[Maya Okafor](7)`. A name that two have stays as it was typed; longer names come first."""
    found: dict[str, set[int]] = {}
    for number, name in people:
        found.setdefault(name.casefold(), set()).add(number)
    names = sorted((name for name, ids in found.items() if len(ids) == 1 and name), key=len, reverse=True)
    if not names or "@" not in text:
        return text
    typed = re.compile(rf"(?<![\w@\[])@({'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
    return typed.sub(lambda at: f"@[{at[1]}]({next(iter(found[at[1].casefold()]))})", text)


