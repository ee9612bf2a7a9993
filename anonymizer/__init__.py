"""All that a data protection officer reviews: epoch keys, pseudonyms, and the gate with its threshold."""
