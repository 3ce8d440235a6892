"""Renew: what falls due, how likely is it, and what must happen by when?"""
