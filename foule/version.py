"""Which version of foule this is."""

from importlib.metadata import PackageNotFoundError, version


def installed() -> str:
    """The version that is installed."""
    try:
        return version("foule")
    except PackageNotFoundError:
        return "(not installed, run from its sources)"
