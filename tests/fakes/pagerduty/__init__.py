"""A PagerDuty in the process: an account that changes, its lists with their limits, and what goes wrong with them.

It answers as the real one is known to: a list gives 100 rows at a time and 10,000 in all, incidents no more than six
months of them, instants without `time_zone` are those of the account's zone, the log is about the whole account, and
nobody who acknowledged stands in an incident that is resolved.
"""

from .server import PagerDuty, Refused
from .world import Account

__all__ = ["Account", "PagerDuty", "Refused"]
