"""Servers that behave like the vendors': they page, limit, refuse, and change between two answers."""
