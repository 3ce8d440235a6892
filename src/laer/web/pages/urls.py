"""Addresses of the pages: each module lists its own, this one lists the modules."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from laer.web.pages import (
    account,
    account_edit,
    accounts,
    as_of,
    find,
    invitation,
    notes,
    notifications,
    peek,
    renewals,
    revenue,
    revenue_booked,
    revenue_close,
    saved_views,
    start,
    tasks,
    together,
    touches,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *accounts.urlpatterns,
    *as_of.urlpatterns,
    *together.urlpatterns,
    *saved_views.urlpatterns,
    *find.urlpatterns,
    *account.urlpatterns,
    *peek.urlpatterns,
    *account_edit.urlpatterns,
    *revenue.urlpatterns,
    *revenue_booked.urlpatterns,
    *renewals.urlpatterns,
    *tasks.urlpatterns,
    *touches.urlpatterns,
    *notes.urlpatterns,
    *notifications.urlpatterns,
    *revenue_close.urlpatterns,
    *invitation.urlpatterns,
    *start.urlpatterns,
    path("data/", include("laer.web.pages.data_urls")),
    path("settings/", include("laer.web.pages.settings_urls")),
]
