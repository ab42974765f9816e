"""Processing a block of items in another process: the request, the work, and the result.

The engine that spreads the work (`imtools.run.cluster`) sends `work` to a process that may run on another
machine. Relative paths are sent as absolute ones that begin with two slashes. That means the same as one,
and neither the system nor ``pathlib`` removes it, so paths that come back, also in messages, can be turned
into those of this process.
"""

from __future__ import annotations

import os
import pickle
import platform
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from .. import __version__
from ..clock import Clock
from ..device import wait_passively
from ..errors import ImtoolsError, is_fatal
from ..layouts import Entry
from ..manifest import Record
from ..manifest.stream import moved
from .failures import ReportedError
from .groups import Made, cut, prepared, processed
from .items import Item
from .stage import Blueprint, Work

M = TypeVar("M")

MAX_STAGES = 4
"""Maximum number of stages that a process keeps, the last used ones: each may hold a model."""


class RemoteError(ImtoolsError):
    """Work that cannot be done in another process, whatever the item."""


@dataclass(frozen=True, slots=True)
class ItemResult(Generic[M]):
    """The result of an item from another process: `Made` without the item itself."""

    step: str
    record: Record | None
    outcome: M | Exception


@dataclass(frozen=True, slots=True)
class BlockResult(Generic[M]):
    """The results of a block of items.

    Attributes
    ----------
    groups : list of list of ItemResult
        The items in their order, in the groups that are committed together.
    seconds : dict of str to float
        Times of the steps.
    """

    groups: list[list[ItemResult[M]]]
    seconds: dict[str, float]


class Paths:
    """Paths on their way to another process and back.

    Parameters
    ----------
    folder : str
        The folder of relative paths: the working directory.
    """

    def __init__(self, folder: str) -> None:
        whole = "/" + os.path.abspath(folder).lstrip("/")
        # For the root, two slashes alone would be ambiguous; the root is its own parent.
        self._prefix = "//../" if whole == "/" else f"/{whole}/"

    def portable(self, path: str) -> str:
        """Return a path that is valid on any machine with the same files."""
        return path if os.path.isabs(path) else self._prefix + path

    def local(self, text: str) -> str:
        """Return a path, or a text with paths, as valid in this process."""
        return text.replace(self._prefix, "")

    def blueprint(self, plan: Blueprint) -> bytes:
        """Return how to make a stage, ready to be sent."""

        def sent(value: Any) -> Any:
            match value:
                case Path():
                    return Path(self.portable(os.fspath(value)))
                case list() | tuple():
                    return type(value)(map(sent, value))
                case dict():
                    return {key: sent(one) for key, one in value.items()}
            return value

        return pickle.dumps(Blueprint(plan.make, sent(plan.arguments), sent(plan.keywords)))

    def block(self, items: list[Item]) -> bytes:
        """Return items, ready to be sent."""
        return pickle.dumps([self._portable_item(item) for item in items])

    def _portable_item(self, item: Item) -> Item:
        match item.value:
            case Record():
                return replace(item, value=moved(item.value, self.portable))
            case Entry():
                return replace(item, value=replace(item.value, audio=self.portable(item.value.audio)))
        return item

    def made(self, items: list[Item], digests: list[str], answer: BlockResult[M]) -> Iterator[list[Made[M]]]:
        """Yield the groups of a result as if they had been made in this process.

        Parameters
        ----------
        items : list of Item
            The block that was sent.
        digests : list of str
            The states of their inputs.
        answer : BlockResult
            The result.
        """
        known = zip(items, digests, strict=True)
        for group in answer.groups:
            yield [
                Made(item, digest, result.step, self._record(item, result), self._outcome(result.outcome))
                for result, (item, digest) in zip(group, known, strict=False)
            ]

    def _record(self, item: Item, result: ItemResult[M]) -> Record | None:
        if isinstance(item.value, Record):
            return None if isinstance(result.outcome, Exception) else item.value
        return None if result.record is None else self._local_record(result.record)

    def _outcome(self, outcome: Any) -> Any:
        if isinstance(outcome, ReportedError):
            return outcome.with_texts(self.local)
        if isinstance(outcome, list):
            return [self._local_record(one) if isinstance(one, Record) else one for one in outcome]
        return outcome

    def _local_record(self, record: Record) -> Record:
        record = moved(record, self.local)
        # Not a path to open, but it may have been derived from one there.
        source = {k: self.local(v) if isinstance(v, str) else v for k, v in record.source.items()}
        return record.replace(source=source)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `work` that is made by unpickling it.

    So it can be sent to a process that may lack this module, where ``pickle.loads`` raises an ImportError.
    """

    version: str
    plan: bytes
    block: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return work, (self.version, self.plan, self.block)


def work(version: str, plan: bytes, block: bytes) -> BlockResult[Any]:
    """Process a block of items; called by the other process.

    Parameters
    ----------
    version : str
        The version of imtools that sends it.
    plan, block : bytes
        The results of `Paths.blueprint` and `Paths.block`.

    Raises
    ------
    RemoteError
        If this process has another version, or cannot make the stage.
    OSError, MemoryError
        If this machine has no space or memory left.
    """
    if version != __version__:
        raise RemoteError(
            f"the worker on {platform.node()} has imtools {__version__}, this is {version}",
            "install the same version everywhere and start the workers again",
        )
    stage = _stage(plan)
    items: list[Item] = pickle.loads(block)
    clock = Clock()
    ready = (prepared(stage, item, "", clock) for item in items)
    groups = [
        [_item_result(one) for one in processed(stage, group, clock)]
        for group in cut(ready, max(1, len(items)), 0)
    ]
    return BlockResult(groups, clock.seconds)


def _item_result(one: Made[M]) -> ItemResult[M]:
    if isinstance(one.outcome, Exception):
        return ItemResult(one.step, None, ReportedError.from_error(one.outcome))
    return ItemResult(one.step, None if isinstance(one.item.value, Record) else one.record, one.outcome)


_stages: OrderedDict[bytes, Work[Any, Any]] = OrderedDict()
_lock = Lock()


def _stage(plan: bytes) -> Work[Any, Any]:
    """Return the stage of a blueprint, made once in this process."""
    with _lock:
        if plan not in _stages:
            wait_passively()
            try:
                made: Blueprint = pickle.loads(plan)
                _stages[plan] = made.make(*made.arguments, **made.keywords)
            except Exception as error:
                if is_fatal(error):
                    raise
                reported = ReportedError.from_error(error)
                raise RemoteError(
                    f"the worker on {platform.node()}: {reported.message}", reported.hint
                ) from None
            _one_thread_each()
        _stages.move_to_end(plan)
        while len(_stages) > MAX_STAGES:
            _stages.popitem(last=False)
        return _stages[plan]


def _one_thread_each() -> None:
    """Let torch compute with one thread in each thread of the worker, unless the environment sets more.

    A worker has a thread for each processor already.
    """
    if "torch" in sys.modules and "OMP_NUM_THREADS" not in os.environ:
        import torch

        with suppress(RuntimeError):
            torch.set_num_threads(1)
