"""Administrators write these rows: who works here and what they may do."""
