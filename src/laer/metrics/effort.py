"""Usual minutes of work that does not say how long it took."""

MINUTES = {  # by kind of touch or task, as it ships; task: one without a kind
    "call": 30, "meeting": 60, "mail": 10, "chat": 10, "other": 15, "task": 20, "prepare": 30, "admin": 15, "support": 30, "sales": 30,
}  # fmt: skip
ELSEWHERE = ("support", "sales")  # kinds of tasks that are another team's work
