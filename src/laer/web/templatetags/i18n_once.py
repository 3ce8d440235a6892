"""Django's `i18n` tags, with `{% translate "…" %}` looked up once per language: a list of fifty rows says the same eleven words fifty times.

A page that repeats them asked the catalogue five hundred times, a third of its rendering. What is kept hangs on the catalogue in force, so
that another language, or a catalogue that was read anew, has texts of its own; nothing of a reader or their data is in it.
"""

from __future__ import annotations

from typing import Any

from django.template import Library
from django.template.base import FilterExpression, Parser, Token
from django.template.context import Context
from django.templatetags import i18n
from django.utils.translation.trans_real import catalog

MANY = 16  # catalogues of which a text is kept; more than one process ever serves

register = Library()
register.filters.update(i18n.register.filters)
register.tags.update(i18n.register.tags)


class Once(i18n.TranslateNode):
    """The tag where it names a plain text: no variable, no filter, no context, no `as`."""

    kept: dict[int, tuple[Any, str]]

    def render(self, context: Context) -> str:
        there = catalog()
        found = self.kept.get(id(there))
        if found is None:
            if len(self.kept) >= MANY:
                self.kept.clear()
            found = self.kept[id(there)] = (there, super().render(context))  # the catalogue is held, so that no other gets its id
        return found[1]


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> i18n.TranslateNode:
    made: i18n.TranslateNode = i18n.do_translate(parser, token)
    if _is_plain(made.filter_expression) and not made.asvar and not made.message_context:
        once = Once(made.filter_expression, made.noop)
        once.kept = {}
        return once
    return made


def _is_plain(said: FilterExpression) -> bool:
    return not said.filters and isinstance(getattr(said.var, "literal", None), str)
