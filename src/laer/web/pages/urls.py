"""Addresses of the pages: each module lists its own, this one lists the modules."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from laer.web.pages import account, accounts, data, health, revenue

urlpatterns: list[URLPattern | URLResolver] = [
    *health.urlpatterns,
    *accounts.urlpatterns,
    *account.urlpatterns,
    *revenue.urlpatterns,
    *data.urlpatterns,
]
