"""Foreign shapes to record batches, one folder per system. Sources read and write nothing; `book` actions write."""
