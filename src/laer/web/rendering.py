"""Django's templates, without its own writing of numbers: they are written by our filters, in the reader's format.

Else a catalogue in German would turn a bare `{{ 0.5 }}`, which a browser or a script reads, into `0,5`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template, reraise
from django.template.context import make_context
from django.template.exceptions import TemplateDoesNotExist


class Templates(DjangoTemplates):
    """The backend of settings.TEMPLATES."""

    def from_string(self, template_code: str) -> Plain:
        return Plain(self.engine.from_string(template_code), self)

    def get_template(self, template_name: str) -> Plain:
        try:
            return Plain(self.engine.get_template(template_name), self)
        except TemplateDoesNotExist as error:
            reraise(error, self)
            raise


class Plain(Template):
    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> Any:
        made = make_context(context, request, autoescape=self.backend.engine.autoescape)
        made.use_l10n = False
        try:
            return self.template.render(made)
        except TemplateDoesNotExist as error:
            reraise(error, self.backend)
            raise
