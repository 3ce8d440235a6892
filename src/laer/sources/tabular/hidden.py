"""Rows of an XLSX sheet that are hidden, by hand or by a filter: the reader of cells does not tell them."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

PIECE = 1 << 20
LARGEST = 5_000_000  # bytes of the workbook's table of contents
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]{0,500}>")
_NUMBER = re.compile(rb"""\br=["'](\d{1,7})["']""")
_HIDDEN = re.compile(rb"""\bhidden=["'](?:1|true)["']""")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def hidden_rows(path: Path, sheet: str) -> set[int]:
    """Lines of the hidden rows of a sheet; none where the file is no XLSX or does not say."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as part:
            found: set[int] = set()
            rest = b""
            while piece := part.read(PIECE):
                text = rest + piece
                if b"hidden=" in text:
                    found.update(int(number[1]) for tag in _ROW.findall(text) if _HIDDEN.search(tag) and (number := _NUMBER.search(tag)))
                rest = text[max(0, text.rfind(b"<")) :][-1000:]
            return found
    except (zipfile.BadZipFile, zlib.error, OSError, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError, ElementTree.ParseError):
        return set()


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name of the part of the archive that holds a sheet. KeyError where there is none."""
    book, relations = (_tree(archive, name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    wanted = next((tag.get(_RELATION) for tag in book.iter() if tag.tag.endswith("}sheet") and tag.get("name") == sheet), None)
    target = next((tag.get("Target") for tag in relations.iter() if wanted and tag.get("Id") == wanted), None)
    if not target:
        raise KeyError(sheet)
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _tree(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > LARGEST:
        raise KeyError(name)
    text = archive.read(name)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # a workbook has no document type; entities could grow without end
        raise KeyError(name)
    return ElementTree.fromstring(text)
