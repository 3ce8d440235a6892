"""Addresses below /settings/."""

from __future__ import annotations

from django.urls import URLPattern, path

from laer.web.pages import (
    definition_effect,
    settings,
    settings_access,
    settings_audit,
    settings_company,
    settings_costs,
    settings_definitions,
    settings_formats,
    settings_people,
    settings_rates,
    settings_sending,
)

urlpatterns: list[URLPattern] = [
    path("", settings.front, name="settings"),
    path("you/", settings.you, name="settings_you"),
    path("you/formats/", settings_formats.preview, name="settings_formats_preview"),
    path("you/notifications/", settings.heard, name="settings_heard"),
    path("you/alerts/", settings.alerts, name="settings_alerts"),
    path("company/alerts/", settings_company.alerts, name="settings_company_alerts"),
    path("you/digest/", settings.digest, name="settings_digest"),
    path("you/sessions/end/", settings.end_others, name="settings_sessions_end"),
    path("you/sessions/<int:session_id>/end/", settings.end_one, name="settings_session_end"),
    path("people/", settings_people.people, name="settings_people"),
    path("people/invite/", settings_people.invite, name="settings_invite"),
    path("people/<int:person_id>/", settings_people.person, name="settings_person"),
    path("people/<int:person_id>/change/", settings_people.change, name="settings_person_change"),
    path("invitations/<int:invitation_id>/revoke/", settings_people.revoke, name="settings_invitation_revoke"),
    path("access/", settings_access.rules, name="settings_access"),
    path("teams/", settings_access.team_list, name="settings_teams"),
    path("teams/<int:team_id>/dissolve/", settings_access.team_dissolve, name="settings_team_dissolve"),
    path("cover/", settings_access.cover_list, name="settings_cover"),
    path("cover/<int:cover_id>/end/", settings_access.cover_end, name="settings_cover_end"),
    path("company/", settings_company.edit, name="settings_company"),
    *settings_sending.urlpatterns,
    *definition_effect.urlpatterns,
    path("definitions/", settings_definitions.definitions, name="definitions"),
    path("definitions/new/<slug:kind>/", settings_definitions.new, name="definition_new"),
    path("definitions/check/<slug:kind>/", settings_definitions.check, name="definition_check"),
    path("definitions/<slug:kind>/<slug:definition_id>/", settings_definitions.definition, name="definition"),
    path("definitions/<slug:kind>/<slug:definition_id>/back/", settings_definitions.back, name="definition_back"),
    path("definitions/<slug:kind>/<slug:definition_id>/undo/", settings_definitions.undo, name="definition_undo"),
    path("company/activation/", settings_company.activation, name="settings_activation"),
    path("costs/", settings_costs.costs, name="settings_costs"),
    path("costs/copy/", settings_costs.copy, name="settings_costs_copy"),
    path("costs/margins/", settings_costs.margins, name="settings_costs_margins"),
    path("costs/minutes/", settings_costs.minutes, name="settings_costs_minutes"),
    path("costs/undo/<int:change_id>/", settings_costs.undo, name="settings_costs_undo"),
    path("rates/", settings_rates.rates, name="settings_rates"),
    path("audit/", settings_audit.audit, name="settings_audit"),
    path("audit/audit.csv", settings_audit.download, name="settings_audit_csv"),
]
