"""dxmetrics: developer-experience metrics with receipts."""

__version__ = "0.1.0"
