"""Expand: is there room and reason to grow, and whose is it to sell?"""
