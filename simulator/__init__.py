"""A synthetic crowd with known truth: the festival of Châtelaillon-Plage, 28 and 29 June 2014.

`simulator.stream.Festival` is the way in: it gives the events in order of arrival and the truth about every person.
"""
