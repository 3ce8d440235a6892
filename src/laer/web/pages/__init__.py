"""The pages. A view reads the request, calls one query or action, and renders. No models."""
