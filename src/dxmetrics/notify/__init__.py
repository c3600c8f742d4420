"""Messages to people and channels: by mail, in Slack, or by a webhook."""

from dxmetrics.notify.mail import Attachment, Mail, Mailer
from dxmetrics.notify.outcome import Outcome
from dxmetrics.notify.slack import Slack

__all__ = ["Attachment", "Mail", "Mailer", "Outcome", "Slack"]
