"""The report for a data protection officer, made from the settings in force and from the code (docs/privacy.md)."""
