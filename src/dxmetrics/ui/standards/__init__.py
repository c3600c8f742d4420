"""The page Standards: which services meet them, which do not, what to do about it, and what is let off until when."""
