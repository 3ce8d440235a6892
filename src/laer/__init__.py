"""laer: customer success by Land, Adopt, Expand, Renew. The rooms and the arrow between them: docs/architecture.md."""

__version__ = "0.1.0"
