"""Slack, webhooks and mail: the only code that speaks to whoever is told."""

from trunkline.adapters.notifying.addresses import AddressGuard
from trunkline.adapters.notifying.email import MailOptions, mail_options
from trunkline.adapters.notifying.room import NotifierOptions, RecipientNotifier

__all__ = ["AddressGuard", "MailOptions", "NotifierOptions", "RecipientNotifier", "mail_options"]
