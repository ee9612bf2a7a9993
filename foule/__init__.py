"""The command line of foule and what only it uses: embedded servers, checks, the demo."""

__version__ = "0.1.0"
