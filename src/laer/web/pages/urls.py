"""Addresses of the pages: each module of this room lists its own, this one lists the modules."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern

from laer.web.pages import account, accounts, health

urlpatterns: list[URLPattern] = [*health.urlpatterns, *accounts.urlpatterns, *account.urlpatterns]

# Under construction by other hands: each is `from laer.web.pages import <name>` from the day it is whole.
for name in ("revenue", "data"):
    try:
        urlpatterns += import_module(f"laer.web.pages.{name}").urlpatterns
    except ImportError:
        continue
