"""What can go wrong with the records of a run. Every text names the remedy."""

from __future__ import annotations


class ResultsError(Exception):
    """Base of all errors of this package."""


class RunNotFoundError(ResultsError):
    """There is no such run, or no run at all."""


class RunFolderError(ResultsError):
    """A run folder cannot be created, read or written."""


class RecordError(ResultsError):
    """A record on disk does not have the documented shape."""


class JournalError(ResultsError):
    """A journal cannot be read or written."""


class DamagedJournalError(JournalError):
    """A complete line of a journal is not what was written."""


class JournalLockedError(JournalError):
    """Another process is writing this journal."""


class PredictionError(ResultsError):
    """A file of predictions cannot be used; the text names the place in it."""
