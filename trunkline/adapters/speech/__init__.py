"""Sound for conversations in audio: spoken, read, mixed, encoded, paced and measured."""
