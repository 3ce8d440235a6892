"""What the machine did: jobs, passes, published rows, answers to named questions."""
