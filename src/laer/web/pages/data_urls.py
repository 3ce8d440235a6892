"""Addresses below /data/."""

from __future__ import annotations

from django.urls import URLPattern, path

from laer.web.pages import (
    data,
    data_columns,
    data_doctor,
    data_excluded,
    data_folders,
    data_import,
    data_mappings,
    data_matches,
    data_quarantine,
    data_questions,
    data_readiness,
    data_undo,
)

urlpatterns: list[URLPattern] = [
    path("", data.imports, name="data"),
    path("import/", data_import.upload, name="import"),
    path("import/<int:import_id>/", data.result, name="import_result"),
    path("import/<int:import_id>/map/", data_columns.columns, name="import_map"),
    path("import/<int:import_id>/map/<int:file_id>/", data_columns.columns, name="import_map_file"),
    path("import/<int:import_id>/mapping.yaml", data_mappings.mapping_file, name="import_mapping"),
    path("import/<int:import_id>/mapping/", data_mappings.give_mapping, name="import_give_mapping"),
    path("import/<int:import_id>/preview/", data_import.preview, name="import_preview"),
    path("import/<int:import_id>/confirm/", data_import.confirm, name="import_confirm"),
    path("import/<int:import_id>/discard/", data_import.discard, name="import_discard"),
    path("import/<int:import_id>/undo/", data_undo.undo, name="import_undo"),
    path("import/<int:import_id>/redo/", data_undo.redo, name="import_redo"),
    path("import/<int:import_id>/resume/", data_undo.resume, name="import_resume"),
    path("quarantine/", data_quarantine.quarantine, name="quarantine"),
    path("quarantine/download.csv", data_quarantine.download, name="quarantine_download"),
    path("quarantine/correct/", data_quarantine.correct, name="quarantine_correct"),
    path("quarantine/retry/", data_quarantine.again, name="quarantine_retry"),
    path("quarantine/dismiss/", data_quarantine.dismiss, name="quarantine_dismiss"),
    path("questions/", data_questions.questions, name="questions"),
    path("questions/answer/", data_questions.answer, name="question_answer"),
    path("questions/<int:question_id>/undo/", data_questions.undo, name="question_undo"),
    path("matches/", data_matches.matches, name="matches"),
    path("matches/merge/", data_matches.merge, name="match_merge"),
    path("matches/<int:pair_id>/dismiss/", data_matches.dismiss, name="match_dismiss"),
    path("matches/<int:pair_id>/reopen/", data_matches.reopen, name="match_reopen"),
    path("merges/<int:merge_id>/end/", data_matches.unmerge, name="match_unmerge"),
    path("folders/", data_folders.folders, name="folders"),
    path("folders/<int:folder_id>/look/", data_folders.look_now, name="folder_look"),
    path("folders/<int:folder_id>/switch/", data_folders.switch, name="folder_switch"),
    path("folders/<int:folder_id>/remove/", data_folders.remove, name="folder_remove"),
    path("doctor/", data_doctor.findings, name="doctor"),
    path("doctor/excluded/", data_excluded.excluded, name="excluded"),
    path("doctor/excluded/back/", data_excluded.back, name="excluded_back"),
    path("doctor/<slug:check>/", data_doctor.behind, name="doctor_check"),
    path("doctor/<slug:check>/exclude/", data_excluded.exclude, name="doctor_exclude"),
    path("readiness/", data_readiness.readiness, name="readiness"),
]
