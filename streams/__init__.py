"""The stream: from folded fetches of Kafka to tallies, seals and released windows; and the Faust application."""
