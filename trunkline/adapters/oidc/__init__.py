"""An OpenID Connect provider behind ``ports.identities``."""
