"""Errors of the stream, by what the reader has to do about them.

StreamError
├── SourceError      the source cannot be opened or broke; `retryable` says if waiting may help
├── SinkError        a place that results go to refused them
└── ConfigError      the command line or configuration is wrong: change it
"""

from __future__ import annotations


class StreamError(Exception):
    """Root of everything that the stream raises."""


class SourceError(StreamError):
    """A source cannot be opened, or broke off.

    `source` is the address with its secrets masked, `problem` what happened, `remedy` what to do.
    `retryable` is False where another attempt cannot help: a missing file, a wrong password.
    """

    def __init__(self, source: str, problem: str, remedy: str, *, retryable: bool) -> None:
        super().__init__(source, problem, remedy, retryable)
        self.source = source
        self.problem = problem
        self.remedy = remedy
        self.retryable = retryable

    def __str__(self) -> str:
        return f"source {self.source}: {self.problem}; {self.remedy}"


class SinkError(StreamError):
    """Results cannot be written to `sink` any more."""

    def __init__(self, sink: str, problem: str) -> None:
        super().__init__(sink, problem)
        self.sink = sink
        self.problem = problem

    def __str__(self) -> str:
        return f"output {self.sink}: {self.problem}"


class ConfigError(StreamError):
    """The configuration at `key` is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"
