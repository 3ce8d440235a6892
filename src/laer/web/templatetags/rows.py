"""The small pieces that a table repeats in every row, made in Python: as templates they cost a list of fifty rows thirty milliseconds.

`parts/avatar.html`, `badge.html`, `person.html` and `sparkline.html` say the same with these tags, so that the markup stands once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from laer.web.templatetags.laer import hue, icon, initials, sparkline_points

register = template.Library()

SHAPES = {"square": " face-square", "large": " face-square face-large"}


@register.simple_tag
def face(name: Any, shape: str = "") -> SafeString:
    """Initials on a colour that is stable for the name; without a name the outline of somebody. `shape`: square, large."""
    return _face(str(name), shape) if name else mark_safe(f'<span class="face face-none" aria-hidden="true">{icon("user", "s")}</span>')


@lru_cache(maxsize=4_096)
def _face(name: str, shape: str) -> SafeString:
    return mark_safe(f'<span class="face hue-{hue(name)}{SHAPES.get(shape, "")}" aria-hidden="true">{escape(initials(name))}</span>')


@register.simple_tag
def who(name: Any) -> SafeString:
    """A person in a table: face and name."""
    return mark_safe(f'<span class="who">{face(name)}<span>{escape(name)}</span></span>' if name else '<span class="muted">Nobody</span>')


@register.simple_tag
def pill(text: Any, tone: str = "", dot: bool = False, sign: str = "") -> SafeString:
    """A word with a tone ("good", "warn", "bad", "info", "accent", "outline"), a dot, an icon."""
    css = f"pill{f' pill-{tone}' if tone else ''}{' pill-dot' if dot else ''}"
    return mark_safe(f'<span class="{css}">{icon(sign) if sign else ""}{escape(text)}</span>')


@register.simple_tag
def spark(values: Any, label: str, tone: str = "") -> SafeString:
    """A line of points made on the server; `label` is said aloud."""
    points = sparkline_points(values)
    if not points:
        return mark_safe('<span class="unknown" title="unknown">–</span>')
    css = f"spark spark-{tone}" if tone else "spark"
    return mark_safe(
        f'<svg class="{css}" viewBox="0 0 84 26" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<polygon points="0,26 {points} 84,26"></polygon><polyline points="{points}"></polyline></svg>'
    )
