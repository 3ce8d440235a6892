"""What the scripts say, so that a translation reaches it, too: `{% script_words %}` hands it to `frontend/src/words.js`."""

from __future__ import annotations

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

register = template.Library()

WORDS = {
    "chart_failed": gettext_lazy("This chart could not be drawn; its table is below."),
    "click_accounts": gettext_lazy("Click for the accounts behind it"),
    "cohort": gettext_lazy("Cohort"),
    "cohort_axis": gettext_lazy("Months since the first paying month"),
    "cohort_first": gettext_lazy("%(count)s at first"),
    "cohort_month": gettext_lazy("Month %(count)s"),
    "copied": gettext_lazy("Link copied"),
    "copy_refused": gettext_lazy("The browser does not allow copying here. Copy the address from the address bar."),
    "csv_amount": gettext_lazy("Amount"),
    "csv_from": gettext_lazy("From"),
    "csv_period": gettext_lazy("Period"),
    "csv_step": gettext_lazy("Step"),
    "csv_to": gettext_lazy("To"),
    "csv_value": gettext_lazy("Value"),
    "status_403": gettext_lazy("You may not do that."),
    "status_404": gettext_lazy("This is no longer there."),
    "status_429": gettext_lazy("Too many requests. Try again in a moment."),
    "status_other": gettext_lazy("The server answered with an error (%(status)s). Nothing was changed on this page."),
    "no_answer": gettext_lazy("No answer from the server. Check the connection and try again."),
    "theme_dark": gettext_lazy("Use the dark theme"),
    "theme_light": gettext_lazy("Use the light theme"),
    "unknown": gettext_lazy("unknown"),
}


@register.simple_tag
def script_words() -> SafeString:
    return json_script({key: str(text) for key, text in WORDS.items()}, "words")
