"""The one closed condition language over named fact columns: a tree, read from short lines, compiled to answers, expressions and words.

    reading.py    lines and YAML to a checked tree, all faults at once      writing.py     a tree back to lines and YAML
    checking.py   which operator goes with which kind of field              truth.py       true, false or unknown for one row, and why
    words.py      a tree as a sentence                                      expression.py  the same for a table of facts, on the engine

Its compiler to the ORM lives in `laer.web.runs.condition_query`. Nothing here is evaluated as code. Method: docs/methods/conditions.md
"""
