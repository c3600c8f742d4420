"""Messages to people: by mail, or directly in Slack."""

from dxmetrics.notify.mail import Mail, Mailer
from dxmetrics.notify.outcome import Outcome
from dxmetrics.notify.slack import Slack

__all__ = ["Mail", "Mailer", "Outcome", "Slack"]
