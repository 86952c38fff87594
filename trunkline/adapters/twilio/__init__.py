"""Twilio behind ``ports.Telephony``."""
