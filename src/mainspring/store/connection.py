"""The only two that talk to the server: `Store` blocks, `AsyncStore` awaits.

redis-py is the wire: its connections, not its clients. Its clients send a command
again after an error, up to ten times by default, and a push that is sent again is
a second job. Here nothing is sent twice: an error says whether the call can have
had an effect, and who knows the call decides.

redis-py and asyncio are imported when first needed: each takes longer than all the rest of an enqueueing process.
"""

from __future__ import annotations

import math
import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from mainspring.base.errors import StoreError
from mainspring.store import replies, scripts
from mainspring.store.command import Command
from mainspring.store.line import Line, broken, errors, is_answer
from mainspring.store.loops import PerLoop, close_all
from mainspring.store.overheard import Overheard
from mainspring.store.url import redis_options

T = TypeVar("T")
Commands: TypeAlias = Sequence[Command[Any]]

#: Seconds to wait for an answer, beyond what a blocking command may take.
TIMEOUT = 5.0


class _Wire:
    """What both stores share: how a call is written, and how an answer is read."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "",
        timeout: float = TIMEOUT,
        name: str = "mainspring",
        revive: Callable[[], None] | None = None,
    ) -> None:
        """Prepare to talk to the server at *url*; nothing is connected yet.

        Args:
            url: A URL as `mainspring.store.url` reads it.
            prefix: Put in front of every key; gives up Ruby interoperability.
            timeout: Seconds to wait for a connection and for an answer.
            name: What the server shows in its list of clients.
            revive: Called when a connection was refused; starts an embedded server again.
        """
        self.url = url
        self.prefix = prefix
        self.timeout = timeout
        self._options = redis_options(url) | {"client_name": name}
        self._revive = revive
        self._pid = os.getpid()
        self._overheard = Overheard()

    def _words(self, command: Command[Any], *, whole: bool = False) -> tuple[Any, ...]:
        keys: Sequence[str] = command.keys
        if self.prefix:
            keys = [self.prefix + key for key in keys]
        # Numbers become text here: hiredis, asked to do it, ends the process if a signal's handler raises meanwhile.
        args = [str(arg) if type(arg) is int or type(arg) is float else arg for arg in command.args]
        if command.plain:
            return (command.name, *keys, *args)
        script = scripts.load(command.name)
        count = str(len(keys))
        if whole:
            return ("EVAL", script.source, count, *keys, *args)
        return ("EVALSHA", script.sha, count, *keys, *args)

    def _judge(self, answer: Any) -> Any:
        return replies.refused(answer, self.url) if isinstance(answer, Exception) else answer

    def _reason(self, error: Exception) -> Exception:
        """Return why no connection could be made: *error*, or what the server says that hung up."""
        import redis

        # Its subclasses are answers, and a timeout is no hanging up.
        if type(error) is not redis.ConnectionError:
            return error
        connect = self._make(redis)._connect  # noqa: SLF001 - there is no public way to say nothing
        return self._overheard.reason(connect, error)

    def _make(self, module: Any) -> Any:
        """Return a connection of redis-py's that is not connected yet.

        None of its pools is asked: they bound how many are made in all, the lost ones included.
        """
        from redis.backoff import NoBackoff

        kinds = {"tcp": module.Connection, "tls": module.SSLConnection, "unix": module.UnixDomainSocketConnection}
        options = {
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "protocol": 2,
            "driver_info": None,
            "retry": module.retry.Retry(NoBackoff(), 0),
        }
        given = dict(self._options)
        return kinds[given.pop("kind")](**(options | given))


class Store(_Wire):
    """Makes calls and blocks. May be shared by threads, and survives a fork."""

    _closings = 0  # how often it was closed: what was in use then is closed when its call has ended

    def run(self, command: Command[T]) -> T:
        """Make one call and return its decoded answer.

        Raises:
            StoreUnavailable: The server did not answer; ``applied`` tells whether it may have acted.
            StoreRefused: The server answered with an error.
        """
        commands = (command,)
        reply = self._answers(self._begin(commands), commands)[0]
        if isinstance(reply, StoreError):
            raise reply
        return command.decode(reply)

    def pipeline(self, commands: Commands) -> list[Any]:
        """Make several calls in one round trip; an error takes the place of its answer.

        Raises:
            StoreUnavailable: The server did not answer them all.
        """
        return self.ask(commands).answers() if commands else []

    def ask(self, commands: Commands) -> Asked:
        """Send several calls, at least one, and return what reads their answers; other work fits in between.

        Raises:
            StoreUnavailable: The server cannot be reached.
        """
        return Asked(self, self._begin(commands), list(commands))

    def close(self) -> None:
        """Close the connections that are not in use, and the others when their calls have ended; it may be used on."""
        self._closings += 1
        self._drain()

    def _drain(self) -> None:
        with suppress(IndexError):
            while True:
                self._free.pop().disconnect()

    # The list of free connections is made on first use, and anew in a forked child:
    # a socket that two processes read gives each the other's answers.
    @property
    def _free(self) -> deque[Line]:
        local: deque[Line] | None = self.__dict__.get("_idle")
        if local is None or self._pid != os.getpid():
            self._pid = os.getpid()
            local = self.__dict__["_idle"] = deque()
        return local

    def _begin(self, commands: Commands) -> Line:
        """Send calls, and return the connection on which their answers come."""
        words = [self._words(command) for command in commands]
        line = self._borrow()
        self._write(line, words)
        return line

    def _answers(self, line: Line, commands: Commands, ended: Callable[[], object] | None = None) -> list[Any]:
        answers = self._read_all(line, commands)
        again = [index for index, answer in enumerate(answers) if replies.is_noscript(answer)]
        if again:
            # The server refused these before doing anything, so they may be sent again, with their text.
            self._write(line, [self._words(commands[index], whole=True) for index in again])
            fresh = self._read_all(line, [commands[index] for index in again])
            for index, answer in zip(again, fresh, strict=True):
                answers[index] = answer
        if ended is not None:
            ended()
        self._free.append(line)
        if line.closings != self._closings:
            self._drain()
        return [self._judge(answer) for answer in answers]

    def _write(self, line: Line, words: list[tuple[Any, ...]]) -> None:
        try:
            line.write(words)
        except BaseException as error:
            self._give_up(line, error)
            raise

    def _read_all(self, line: Line, commands: Commands) -> list[Any]:
        try:
            return [self._read(line, command) for command in commands]
        except BaseException as error:
            self._give_up(line, error)
            raise

    def _give_up(self, line: Line, error: BaseException) -> None:
        # Half an answer may still be under way: this connection must not serve another call.
        line.disconnect()
        if isinstance(error, broken()):
            raise replies.cut_off(error, self.url) from error

    def _read(self, line: Line, command: Command[Any]) -> Any:
        try:
            return line.read(command, self.timeout)
        except errors() as error:
            if is_answer(error):
                return error
            raise

    def _borrow(self) -> Line:
        try:
            line = self._free.pop()
        except IndexError:
            import redis

            line = Line(self._make(redis))
        line.closings = self._closings
        if line.is_stale():
            line.disconnect()
            self._connect(line)
        return line

    def _connect(self, line: Line) -> None:
        try:
            self._open(line)
        except (*broken(), *errors()) as error:
            line.disconnect()
            raise replies.no_connection(self._reason(error), self.url) from error
        except BaseException:
            line.disconnect()
            raise
        self._overheard.clear()

    def _open(self, line: Line) -> None:
        try:
            line.connect()
        except broken():
            if self._revive is None:
                raise
            self._revive()
            line.connect()


class Asked:
    """Calls of a `Store` under way, whose answers are to be read once."""

    def __init__(self, store: Store, line: Line, commands: list[Command[Any]]) -> None:
        """Keep what was sent and where; made by `Store.ask`."""
        self._store = store
        self._line = line
        self._commands = commands

    def more(self, commands: Commands) -> None:
        """Send further calls, which are answered after those before; the server may be at work on those meanwhile.

        Raises:
            StoreUnavailable: The server did not take them; what was asked before is not answered either.
        """
        if commands:
            self._store._write(self._line, [self._store._words(command) for command in commands])  # noqa: SLF001
            self._commands += commands

    def answers(self, ended: Callable[[], object] | None = None) -> list[Any]:
        """Read the answers to all calls as `Store.pipeline` does.

        Args:
            ended: Called when they have come, before any other call can use the connection.

        Raises:
            StoreUnavailable: The server did not give them all.
        """
        return replies.decoded(self._commands, self._store._answers(self._line, self._commands, ended))  # noqa: SLF001

    def interrupt(self) -> None:
        """Let whoever reads the answers, in another thread, fail at once; not to be called after they have *ended*."""
        self._line.interrupt()

    def give_up(self) -> None:
        """Read no answers: nobody can tell then what the calls did."""
        self._line.disconnect()


class AsyncStore(_Wire):
    """Makes calls and awaits. May be used from several event loops, each with connections of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        """Prepare to talk to the server at *url*; takes what `Store` takes."""
        super().__init__(url, **options)
        self._connections = PerLoop()

    async def run(self, command: Command[T]) -> T:
        """Make one call and return its decoded answer; errors as for `Store.run`."""
        reply = (await self._send([command]))[0]
        if isinstance(reply, StoreError):
            raise reply
        return command.decode(reply)

    async def pipeline(self, commands: Commands) -> list[Any]:
        """Make several calls in one round trip; an error takes the place of its answer."""
        return replies.decoded(commands, await self._send(commands)) if commands else []

    async def aclose(self) -> None:
        """Close this loop's connections that are not in use."""
        await close_all(await self._connections.free())

    async def _send(self, commands: Commands) -> list[Any]:
        words = [self._words(command) for command in commands]
        connection = await self._borrow()
        answers = await self._exchange(connection, words, commands)
        again = [index for index, answer in enumerate(answers) if replies.is_noscript(answer)]
        if again:
            whole = [self._words(commands[index], whole=True) for index in again]
            fresh = await self._exchange(connection, whole, [commands[index] for index in again])
            for index, answer in zip(again, fresh, strict=True):
                answers[index] = answer
        (await self._connections.free()).append(connection)
        return [self._judge(answer) for answer in answers]

    async def _exchange(self, connection: Any, words: list[tuple[Any, ...]], commands: Commands) -> list[Any]:
        try:
            await connection.send_packed_command(connection.pack_commands(words), check_health=False)
            return [await self._read(connection, command) for command in commands]
        except broken() as error:
            await connection.disconnect(nowait=True)
            raise replies.cut_off(error, self.url) from error
        except BaseException:
            # Cancelled in the middle: what still comes belongs to nobody, so the connection goes.
            await connection.disconnect(nowait=True)
            raise

    async def _read(self, connection: Any, command: Command[Any]) -> Any:
        try:
            if not command.blocks:
                return await connection.read_response()
            import asyncio

            # Given a timeout of its own, redis-py takes silence for an answer, and the connection for a good one.
            async with asyncio.timeout(command.blocks + self.timeout):
                return await connection.read_response(timeout=math.inf)
        except errors() as error:
            if is_answer(error):
                return error
            raise

    async def _borrow(self) -> Any:
        free: deque[Any] = await self._connections.free()
        while free:
            connection = free.pop()
            if connection.is_connected and not await self._is_stale(connection):
                return connection
            await connection.disconnect(nowait=True)
        return await self._connect()

    async def _is_stale(self, connection: Any) -> bool:
        writer = connection._writer  # noqa: SLF001 - there is no public way to the socket
        try:
            if writer.is_closing() or await connection.can_read():
                return True
        except broken():
            return True
        # The loop may not have come round to what the socket already has: the end of a server, for one.
        poll = select.poll()
        poll.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def _connect(self) -> Any:
        from asyncio import to_thread

        import redis.asyncio

        connection = self._make(redis.asyncio)
        try:
            await self._open(connection)
        except (*broken(), *errors()) as error:
            await connection.disconnect(nowait=True)
            raise replies.no_connection(await to_thread(self._reason, error), self.url) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._overheard.clear()
        return connection

    async def _open(self, connection: Any) -> None:
        try:
            await connection.connect()
        except broken():
            if self._revive is None:
                raise
            from asyncio import to_thread

            await to_thread(self._revive)
            await connection.connect()
