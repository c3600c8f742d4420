"""What every page shares: theme, filters, cards, charts, tables, receipts and the frame around them.

Pages speak to the warehouse through `dxmetrics.metrics` only, and to Streamlit mostly through these modules.
"""
