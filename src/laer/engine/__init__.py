"""Where tables rest and expressions run: DuckDB in the process, PySpark where one machine is outgrown, the lake, the book's reader."""
