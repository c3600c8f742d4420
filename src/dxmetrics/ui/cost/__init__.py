"""The page Cost: what teams and services cost, per unit of what they get, and how much belongs to nobody.

Sums, never medians; a month that is not over is hollow; money of two currencies is never added.
"""
