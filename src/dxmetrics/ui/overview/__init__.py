"""The first page: everything at a glance, what changed, what needs attention, and how far to trust it.

Its numbers are those of the other pages, asked in the same words: whoever goes on to one finds them already answered.
"""
