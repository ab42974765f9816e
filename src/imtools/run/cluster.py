"""Sending the items of a run to the workers of a dask cluster, block by block, with results in order.

The workers prepare and process; journal, failures, output and progress are kept here, as in a run on one
machine. A block of a worker that dies is done again by another.
"""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar
from uuid import uuid4

import distributed
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.core import CommClosedError
from distributed.comm.registry import get_backend

from .. import __version__
from ..errors import ImtoolsError, UsageError
from ..parallel import until_fault
from .context import Run
from .groups import Made, blocks
from .items import Item
from .remote import BlockResult, Call, Paths, RemoteError
from .stage import Work

P = TypeVar("P")
M = TypeVar("M")

BLOCKS_EACH = 2
"""Blocks in flight for each thread of the workers: one at work, one waiting. Bounds the memory."""

_CONNECT_SECONDS, _PATIENCE, _RECOUNT_SECONDS = 10.0, 5.0, 2.0


@dataclass(frozen=True, slots=True)
class _Flight:
    """A block that has been sent."""

    items: list[Item]
    digests: list[str]
    future: Any


class Cluster(Generic[P, M]):
    """The connection of a run to a scheduler; a context manager.

    Parameters
    ----------
    run : Run
        Its options name the scheduler.
    stage : Work
        The work; its `blueprint` goes to the workers.

    Raises
    ------
    UsageError
        If no scheduler is named, or the work cannot be sent.
    """

    def __init__(self, run: Run, stage: Work[P, M]) -> None:
        plan = stage.blueprint(run.options)
        if plan is None:
            raise UsageError(f"{run.tool}: this work cannot be spread over a cluster", "use `engine=local`")
        if not run.options.scheduler:
            hint = "name it with `scheduler=tcp://HOST:8786`, or name the file that dask scheduler wrote"
            raise UsageError("`engine=dask` needs a scheduler", hint)
        self._run, self._size, self._address = run, stage.group_size, run.options.scheduler
        self._paths = Paths(os.getcwd())
        self._plan = self._paths.blueprint(plan)
        self._client: Any = None
        self._room, self._counted = BLOCKS_EACH, float("-inf")

    def __enter__(self) -> Cluster[P, M]:
        self._client = _connect(self._address, verbose=self._run.options.verbose)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Do not wait for a lost scheduler.
        self._client.close(timeout=None if kind is None else 2)

    def groups(self, items: Iterable[Item], first: int) -> Generator[list[Made[M]], None, None]:
        """Yield items in groups, with the results of the workers; see `local_groups`.

        Parameters
        ----------
        items : iterable of Item
            The remaining items.
        first : int
            Number of items before them.

        Raises
        ------
        ImtoolsError
            If the cluster cannot do the work, or has gone away.
        """
        faults: list[Exception] = []
        source = until_fault(blocks(items, self._size, first), faults)
        flying: deque[_Flight] = deque()
        try:
            while True:
                while len(flying) < self._most() and (block := next(source, None)) is not None:
                    flying.append(self._send(block))
                if not flying:
                    break
                with self._run.interruption.at_once():
                    answer = self._answer(flying[0])
                landed = flying.popleft()
                landed.future.release()
                self._run.clock.add(answer.seconds)
                yield from self._paths.made(landed.items, landed.digests, answer)
            if faults:
                raise faults[0]
        finally:
            if flying:
                self._client.cancel([flight.future for flight in flying], force=True)

    def _most(self) -> int:
        """Return how many blocks may be in flight, which changes with the number of workers."""
        if time.monotonic() - self._counted > _RECOUNT_SECONDS:
            self._room = BLOCKS_EACH * max(1, self._threads())
            self._counted = time.monotonic()
        return self._room

    def _threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except Exception as error:
            raise self._lost(error) from None

    def _send(self, block: list[Item]) -> _Flight:
        journalled = self._run.output is not None
        digests = [item.digest() if journalled else "" for item in block]
        call = Call(__version__, self._plan, self._paths.block(block))
        future = self._client.submit(pickle.loads, pickle.dumps(call), key=f"{self._run.tool}-{uuid4()}")
        return _Flight(block, digests, future)

    def _answer(self, flight: _Flight) -> BlockResult[M]:
        """Wait for the result of a block."""
        waited = False
        with self._run.clock.measure("wait"):
            while True:
                try:
                    answer: BlockResult[M] = flight.future.result(timeout=_PATIENCE)
                except distributed.TimeoutError as error:
                    if flight.future.status == "error":  # an error of the block itself
                        raise
                    if self._client.status != "running":
                        raise self._lost(error) from None
                    if not waited and not self._threads():
                        self._run.say(f"no workers at {self._address}: waiting for some")
                        waited = True
                except distributed.KilledWorker:
                    names = f"{flight.items[0].id} to {flight.items[-1].id}"
                    raise ImtoolsError(
                        f"every worker that was given the items {names} died",
                        "give the workers more memory, or leave these items out, and add `resume`",
                    ) from None
                except RemoteError as error:
                    raise RemoteError(self._paths.local(error.message), error.hint) from None
                except (ImportError, AttributeError) as error:
                    raise _unfit(error) from None
                except (CancelledError, CommClosedError) as error:
                    raise self._lost(error) from None
                except OSError as error:
                    if isinstance(error.filename, str):
                        error.filename = self._paths.local(error.filename)
                    raise
                else:
                    return answer

    def _lost(self, error: Exception) -> ImtoolsError:
        return ImtoolsError(
            f"the scheduler at {self._address} has gone away ({type(error).__name__})",
            "start it again, then run again (with `resume` if there was an `output`)",
        )


def _unfit(error: Exception) -> ImtoolsError:
    return ImtoolsError(
        f"the cluster cannot run imtools {__version__} ({error})",
        f"install imtools=={__version__} where the workers run, and start them again",
    )


def _connect(address: str, *, verbose: bool) -> Any:
    """Return a client of the scheduler at an address, or of the one that a file names."""
    if not verbose:  # the exceptions have the details
        for name in ("asyncio", "tornado", *logging.root.manager.loggerDict):
            if name.split(".")[0] in ("asyncio", "tornado", "distributed"):
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    options: dict[str, Any] = {"address": address}
    if address.endswith(".json"):
        if not os.path.exists(address):
            raise UsageError(f"{address}: does not exist", "name the file of dask scheduler --scheduler-file")
        options = {"scheduler_file": address}
    else:
        _check(address)
    try:
        client: Any = distributed.Client
        return client(**options, timeout=_CONNECT_SECONDS, set_as_default=False, name="imtools")
    except (OSError, CommClosedError) as error:
        raise ImtoolsError(
            f"no scheduler answers at {address} ({type(error).__name__})",
            "start one with: dask scheduler, and name its address with `scheduler`",
        ) from None


def _check(address: str) -> None:
    """Raise UsageError unless an address is well-formed: a client that fails over it would linger."""
    try:
        scheme, place = parse_address(address)
        get_backend(scheme)
        if scheme in ("tcp", "tls"):
            parse_host_port(place)
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"`scheduler` {address}: is not an address ({error})", "write tcp://HOST:8786"
        ) from None
