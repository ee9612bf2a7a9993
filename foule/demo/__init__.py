"""The demonstration: the festival on one machine with nothing but Python, live, and then checked (``foule demo``)."""
