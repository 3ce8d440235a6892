"""One line, by recursive descent.

    line     = and-line {"or" and-line}        and-line = not-line {"and" not-line}
    not-line = "not" not-line | "(" line ")" | test
    test     = field operator value ["for" days]
             | field "fell"|"rose" "by" number ["%"] "in" days
             | record "at least"|"at most"|"more than"|"fewer than"|"exactly" number "times" "in" days
             | "no" record "in" days
             | "any"|"no" related ["with"|"without" record "in" days]
"""

from __future__ import annotations

from collections.abc import Callable

from laer.conditions.cursor import Cursor, Wrong
from laer.conditions.faults import Fault
from laer.conditions.field_tests import FieldTest
from laer.conditions.tokens import Token
from laer.conditions.tree import DEPTH, All, Any, Condition, Derivation, Derived, Not, Test, derived_test

TIMES = {("at", "least"): ">=", ("at", "most"): "<=", ("more", "than"): ">", ("fewer", "than"): "<", ("less", "than"): "<"}


class Line(Cursor):
    """One line. After a fault the reading goes on behind the next `and` or `or`, so that one look shows all that is wrong."""

    def condition(self) -> Condition | None:
        before = len(self.faults)
        if len(self.tokens) == 1:
            if not before:
                self.faults.append(Fault("empty", {}, self.path))
            return None
        found = self._any(0)
        if self.now.form != "end" and len(self.faults) == before:
            self.note("expected", self.now, found=str(self.now), expected="and, or, or the end")
        return found if len(self.faults) == before else None

    def _any(self, level: int) -> Condition | None:
        return self._joined("or", Any, self._all, level)

    def _all(self, level: int) -> Condition | None:
        return self._joined("and", All, self._not, level)

    def _joined(self, word: str, kind: type[All] | type[Any], read: Callable[[int], Condition | None], level: int) -> Condition | None:
        parts = [read(level)]
        while self.take(word):
            parts.append(read(level))
        known = tuple(part for part in parts if part is not None)
        return kind(known) if len(known) > 1 else known[0] if known else None

    def _not(self, level: int) -> Condition | None:
        if level > DEPTH:
            self.note("too_deep", self.now, limit=DEPTH)
            self.at = len(self.tokens) - 1
            return None
        start = self.at
        try:
            if self.take("not"):
                inner = self._not(level + 1)
                return inner and Not(inner)
            if self.take("("):
                found = self._any(level + 1)
                self.need(")")
                return found
            return self._test()
        except Wrong:
            self._skip(start)
            return None

    def _skip(self, start: int) -> None:
        """On to the next `and`, `or` or closing bracket at this level, beyond what was read."""
        reached, self.at, open_ = self.at, start, 0
        while self.now.form != "end":
            if self.at >= reached and open_ == 0 and self.now.says("and", "or", ")"):
                return
            open_ += self.now.says("(") - (self.now.says(")") and open_ > 0)
            self.at += 1

    def _test(self) -> Condition:
        start = self.now
        if start.says("no", "any") and self.behind.form == "word":
            self.at += 1
            return self._absent_or_related(start)
        if start.form != "word" or start.says("and", "or"):
            self.wrong("expected", start, found=str(start), expected="a field, a record, not, no, any or (")
        self.at += 1
        if start.text in self.vocabulary.records and (self._times() or start.text not in self.vocabulary.fields):
            return self._counted(start)
        if self.now.says("fell", "rose"):
            return self._changed(start)
        return FieldTest(self, start).read()

    def _absent_or_related(self, start: Token) -> Condition:
        name = self.now
        self.at += 1
        if start.says("no") and name.text not in self.vocabulary.related:
            self.need("in")
            return self.checked(derived_test(Derived("absence", name.text, self.days())), {"field": name})
        record, days, present, where = None, None, True, {"field": name}
        if self.now.says("with", "without"):
            present = self.now.says("with")
            self.at += 1
            where["value"], record = self.now, self.word("a record")
            self.need("in")
            days = self.days()
        test = self.checked(derived_test(Derived("related", name.text, days, record, present)), where)
        return Not(test) if start.says("no") else test

    def _counted(self, start: Token) -> Test:
        where = {"field": start, "operator": self.now}
        operator = self._times()
        if not operator:
            self.wrong("expected", self.now, found=str(self.now), expected="at least, at most, more than, fewer than or exactly")
        self.at += 1 if operator == "=" else 2
        where["value"], number = self.now, self.number()
        self.need("times", "time")
        self.need("in")
        return self.checked(derived_test(Derived("count", start.text, self.days()), operator, number), where)

    def _times(self) -> str:
        """The comparison that a count goes on with; empty where it does not."""
        return "=" if self.now.says("exactly") else TIMES.get((self.now.text.lower(), self.behind.text.lower()), "")

    def _changed(self, start: Token) -> Test:
        where = {"field": start, "operator": self.now}
        sign, operator = (-1, "<=") if self.now.says("fell") else (1, ">=")
        self.at += 1
        self.need("by")
        where["value"], number = self.now, self.number()
        share = self.tokens[self.at - 1].says("%")
        self.need("in")
        kind: Derivation = "change" if share else "difference"
        return self.checked(derived_test(Derived(kind, start.text, self.days()), operator, sign * number), where)
