"""Work: what people do about accounts. Tasks, touches, notes, and what they are told of them."""
