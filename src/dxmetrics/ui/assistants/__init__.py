"""The page AI assistants: who is reached, how much of the work is assisted, and what it costs beside rework.

Counts of people are of five and more; nothing here is about one person, and teams are not ranked.
"""
