"""One pass over the whole flow, and named questions about it; the only room that knows the clock."""
