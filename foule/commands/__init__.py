"""The commands of ``foule``, one module each."""
