"""What deserves attention: conditions over facts that open, hold and close episodes, and how often each was right."""
