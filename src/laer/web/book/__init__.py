"""Facts about accounts, written by people or sources, and the imports that brought them."""
