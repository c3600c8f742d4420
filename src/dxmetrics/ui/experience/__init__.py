"""The page Experience: what developers say, who took part, what became of it, and whether it agrees with what is
measured. It reads published results, in which nothing is left of what must not be shown.
"""
