"""ElevenLabs behind ``ports.VoicePlatform``."""
