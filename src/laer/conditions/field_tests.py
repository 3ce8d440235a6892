"""What follows a field's name on a line: an operator, and values as the field's kind reads them."""

from __future__ import annotations

from datetime import date

from laer.conditions.checking import DAYS, RATES, Field
from laer.conditions.checking import OPERATORS as KINDS
from laer.conditions.cursor import LENGTHS, Cursor
from laer.conditions.tokens import Token
from laer.conditions.tree import COMPARISONS, Condition, Derived, Not, Single, Test, Value, derived_test

FLAGS = {"yes": True, "true": True, "no": False, "false": False}
DATED = {"before": "<", "after": ">", "on": "="}
OPERATORS = "is, in, not in, between, contains, before, after, within, older than, fell by, rose by, or one of = != < <= > >="


class FieldTest:
    """What follows a field's name on a line."""

    def __init__(self, line: Cursor, name: Token) -> None:
        self.line, self.name = line, name
        self.field: Field | None = line.vocabulary.fields.get(name.text)
        self.where = {"field": name}

    def read(self) -> Condition:
        line = self.line
        if (self.field is None or self.field.kind == "flag") and (line.now.form == "end" or line.now.says("and", "or", ")", "for")):
            return self._for_a_while(self.test("=", True))
        self.where["operator"] = line.now
        if line.take("is"):
            opposite = line.take("not")
            if line.now.says("known", "unknown"):
                known = line.now.says("known") != opposite
                line.at += 1
                return self._for_a_while(self.test("known" if known else "unknown", None))
            return self._for_a_while(self.test("!=" if opposite else "=", self.value()))
        opposite = line.take("not")
        test = self._operator()
        if not opposite:
            return self._for_a_while(test)
        if line.now.says("for"):
            line.wrong("no_time", line.now, found="not")
        return Not(test)

    def test(self, operator: str, value: Value) -> Test:
        return self.line.checked(Test(self.name.text, operator, value), self.where)

    def _operator(self) -> Test:
        line, token = self.line, self.line.now
        if token.form == "end" or token.says("and", "or", ")"):
            line.wrong("expected", token, found=str(token), expected=OPERATORS)
        line.at += 1
        if token.form == "sign" and token.text in COMPARISONS:
            return self.test(token.text, self.value())
        if token.says("in"):
            return self.test("in", self._list())
        if token.says("between"):
            low = self.value()
            line.need("and")
            return self.test("between", (low, self.value()))
        if token.says("contains"):
            return self.test("contains", self.value())
        if token.says(*DATED):
            if self.field is not None and self.field.kind != "date":
                exist = ", ".join(KINDS[self.field.kind])
                line.wrong("no_operator", token, found=token.text, field=self.field.id, kind=self.field.kind, exist=exist)
            return self.test(DATED[token.text.lower()], self.value())
        if token.says("within", "older"):
            if token.says("older"):
                line.need("than")
            operator = "older" if token.says("older") else "within last" if line.take("last") else "within"
            self.where["value"] = line.now
            return self.test(operator, line.days())
        line.wrong("expected", token, found=str(token), expected=OPERATORS)

    def value(self) -> Single:
        """A value as its field's kind reads it. What does not fit is left as it stands, for the check to name."""
        line, token = self.line, self.line.now
        self.where["value"] = token
        kind = self.field.kind if self.field else ""
        if token.form in ("sign", "end") or token.says("and", "or"):
            line.wrong("expected", token, found=str(token), expected="a value")
        if token.form == "number" and kind != "text":
            return self._number(token)
        line.at += 1
        if line.now.form in ("word", "quoted", "number") and not line.now.says("and", "or", "for"):
            line.wrong("quotes", line.now, found=str(line.now))
        if token.form == "date" and kind != "text":
            try:
                return date.fromisoformat(token.text)
            except ValueError:
                line.wrong("no_date", token, found=token.text)
        if kind == "flag" and token.form == "word":
            return FLAGS.get(token.text.lower(), token.text)
        words = self.field.words if self.field else ()
        return token.text if token.text in words else next((word for word in words if word.casefold() == token.text.casefold()), token.text)

    def _number(self, token: Token) -> int | float:
        line = self.line
        found = line.number()
        unit = self.field.unit if self.field else ""
        if line.tokens[line.at - 1].says("%") and self.field and not (self.field.kind == "number" and unit in RATES):
            line.wrong("per_cent", token, field=self.field.id, unit=unit or self.field.kind)
        if line.now.form == "word" and line.now.text.lower() in LENGTHS and unit in DAYS:
            line.at -= 1
            return line.days()
        if line.now.form in ("word", "quoted", "number") and not line.now.says("and", "or", "for"):
            line.wrong("expected", line.now, found=str(line.now), expected="and, or, or the end")
        return found

    def _list(self) -> tuple[Single, ...]:
        line = self.line
        line.need("(")
        values: list[Single] = []
        while True:
            if line.now.form == "number" and "," in line.now.text:
                line.wrong("group", line.now, found=line.now.text)
            values.append(self.value())
            if line.take(")"):
                return tuple(dict.fromkeys(values))
            line.need(",", ")")

    def _for_a_while(self, test: Test) -> Test:
        line = self.line
        if not line.now.says("for"):
            return test
        token = line.now
        line.at += 1
        derived = Derived("duration", test.field, line.days(), test=test)
        return line.checked(derived_test(derived), {"field": token, "operator": token, "value": line.tokens[line.at - 2]})
