"""The page Adoption: how far each capability of the platform reaches, who uses it, and where who began is stuck.

It tells of services and teams. Of people it gives counts only, and none of fewer than five of them.
"""
