"""Files by what they are: which ones a path names, and the one clear error for a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")


class UnreadableFile(Exception):
    """A file that no row can be taken from: what was found, what was expected, what to do."""

    def __init__(self, path: Path | str, found: str, expected: str = "a CSV or XLSX file with a header row", what_to_do: str = "") -> None:
        self.path, self.found, self.expected, self.what_to_do = Path(path), found, expected, what_to_do
        super().__init__(f"{self.path.name or self.path}: found {found}; expected {expected}." + (f" {what_to_do}" if what_to_do else ""))


def files_at(path: Path | str) -> list[Path]:
    """The file itself, or a folder's readable files in name order (not its sub-folders).

    Faults  UnreadableFile if it is missing, closed to us, or a folder without such files
    """
    path = Path(path)
    try:
        if path.is_dir():
            files = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file() and not p.name.startswith((".", "~$"))]
            if not files:
                expected = f"files that end in {', '.join(SUFFIXES)}"
                raise UnreadableFile(path, "a folder without tables", expected, "Give the folder that holds them; sub-folders are not searched.")
            return sorted(files, key=lambda p: p.name)
        if not path.exists():
            raise UnreadableFile(path, "nothing", "a file or folder", "Check the path.")
    except PermissionError as error:
        raise _forbidden(path) from error
    return [path]


def first_bytes(path: Path, count: int) -> bytes:
    """The beginning of a file; faults as `files_at`, and for an empty one."""
    try:
        with path.open("rb") as file:
            sample = file.read(count)
    except PermissionError as error:
        raise _forbidden(path) from error
    except OSError as error:
        raise UnreadableFile(path, f"an error of the system ({error.strerror})", what_to_do="Check the path.") from error
    if not sample:
        raise UnreadableFile(path, "an empty file", what_to_do="Export it again.")
    return sample


def _forbidden(path: Path) -> UnreadableFile:
    return UnreadableFile(path, "a file we may not read", "read permission", "Change its permissions, or copy it to where it can be read.")
