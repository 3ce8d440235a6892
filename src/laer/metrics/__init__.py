"""Formulas that two or more motions read. Today: the revenue ledger."""
