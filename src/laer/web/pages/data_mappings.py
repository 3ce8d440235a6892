"""Import, step 2, a mapping as a file: to keep, edit and give back (also to `laer import --mapping`)."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from laer.sources.tabular.mapping import MappingFault, all_from_yaml, to_yaml
from laer.web.book import importing, mappings
from laer.web.pages.data import OPEN, address, run_for
from laer.web.pages.data_columns_shown import title_of
from laer.web.pages.uploads import takes_files, too_large


@require_safe
def mapping_file(request: HttpRequest, import_id: int) -> HttpResponse:
    """How the files are read, to keep, edit and give back (also to `laer import --mapping`)."""
    run = run_for(request, import_id)
    files = run.files.exclude(record="").order_by("id")
    chosen = request.GET.get("file", "")
    if chosen.isascii() and chosen.isdigit():
        files = files.filter(pk=int(chosen[:18]))
    response = HttpResponse("---\n".join(to_yaml(mappings.from_json(f.mapping)) for f in files), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mapping-{run.pk}.yaml"'
    return response


@takes_files
@require_POST
def give_mapping(request: HttpRequest, import_id: int) -> HttpResponse:
    """Read the files as a saved mapping says: each mapping goes to the files whose header it fits best."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        return redirect(address(run))
    given = None if too_large(request) else request.FILES.get("mapping")
    if given is None or (given.size or 0) > 2**20:
        messages.error(request, _("No mapping was given, or it is larger than 1 MB."))
        return redirect("import_map", run.pk)
    try:
        found = all_from_yaml(given.read().decode("utf-8"))
    except (MappingFault, UnicodeDecodeError) as error:
        messages.error(request, f"{given.name}: {error}")
        return redirect("import_map", run.pk)
    read = []
    for file in run.files.order_by("id"):
        header = set(file.mapping.get("columns") or {})
        fitting = [m for m in found if m.fits(header)]
        if fitting:
            best = max(fitting, key=lambda m: (m.record == file.record, len(header & set(m.columns))))
            importing.set_mapping(file, replace(best, columns={h: best.columns.get(h) for h in header}))
            read.append(title_of(file))
    if read:
        messages.success(request, _("Read as the mapping says: %(files)s") % {"files": ", ".join(read)})
    else:
        messages.error(
            request,
            _("%(name)s: no file here has the columns that it reads (%(columns)s).")
            % {"name": given.name, "columns": ", ".join(repr(h) for m in found for h in m.headers.values())[:200]},
        )
    return redirect("import_map", run.pk)
