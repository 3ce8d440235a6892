"""What to do about it: plays as definitions, the way of a run through their steps, whether they helped, and the mails that they send.

Knows neither a clock nor a database.
"""
