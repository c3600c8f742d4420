"""What became of one message."""

from typing import Literal

# accepted   the server has it
# refused    it will never take it for this recipient
# deferred   not now: it can be tried again another time
# unsure     the connection broke after it was handed over: it may have arrived, so sending again may be a second time
Outcome = Literal["accepted", "refused", "deferred", "unsure"]
