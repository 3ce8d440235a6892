"""The web: Django, and (with `cli`) the only room that has it. Rows are divided by who writes them: people, book, runs."""
