"""The page Does it help: services that adopted a capability against those that did not.

It can say that adopters are worse, and says nothing where there are too few; it never names a cause.
"""
