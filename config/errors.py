"""The errors of foule, one tree.

FouleError
  +-- SettingsError      a settings file or an environment override is wrong
  +-- ZonesError         a layer of zones or the cell catalogue cannot be used
  +-- EventFileError     a recorded file of events cannot be read
  +-- ServiceError       Kafka or a Redis does not answer, or is not set up as needed
  |     +-- UnreachableError nothing takes connections where Kafka should be
  |     +-- TopicsError      topics are missing or have other settings
  |     +-- KeyStoreError    the key store cannot give or keep an epoch's key
  |           +-- KeyMissingError  it answers, and does not have a key that was made
  +-- EpochEndedError    the key of an epoch is destroyed: nothing of it is taken any more
  +-- KeyLostError       events come under another key than those before them, which was lost
  +-- ContractError      bytes from a topic, a snapshot or a decision are not what foule wrote

A message says what was wrong, where, what is expected and what to change; it never holds personal data.
"""


class FouleError(Exception):
    """Root of every error that foule raises on purpose."""


class SettingsError(FouleError):
    """One or more settings are wrong; ``problems`` has a line for each, in the order of the file."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ZonesError(FouleError):
    """A zones file or the cell catalogue cannot be used."""


class EventFileError(FouleError):
    """A recorded file of events cannot be read."""


class ServiceError(FouleError):
    """Kafka or a Redis does not answer, or is not set up as needed."""


class UnreachableError(ServiceError):
    """Nothing takes connections where Kafka should be: not yet, or not any more."""


class TopicsError(ServiceError):
    """Topics are missing or have other settings than foule needs."""


class KeyStoreError(ServiceError):
    """The key store cannot give or keep an epoch's key."""


class KeyMissingError(KeyStoreError):
    """A key, called ``label``, that was made is not in the key store: nobody has put it back yet, or it is lost."""

    def __init__(self, label: str, message: str) -> None:
        self.label = label
        super().__init__(message)


class EpochEndedError(FouleError):
    """The key of the epoch with the label ``epoch``, which is over at ``end`` (UTC ms), is destroyed for good."""

    def __init__(self, epoch: str, end: int) -> None:
        self.end = end
        super().__init__(f"the key of epoch {epoch} is destroyed: nothing of that epoch is taken any more")


class KeyLostError(FouleError):
    """Events of an epoch come under another key than those before them: that one was lost."""


class ContractError(FouleError):
    """Bytes from a topic, a snapshot or a decision are not what foule wrote."""
