"""Writes the alarms of certificates that end soon, and the daily alert about ITLRecovery.p12.

*Cisco Certificate Expiry Monitor* of each node looks when the node starts and then as often as
`services/operations/monitor.py` says; the publisher's asks every day whether the recovery key was
saved, and looks at the LSCs of phones where it is told to. The lines go to the node's CiscoSyslog
(`file view activelog syslog/CiscoSyslog`) and to the log. A clock that is set ahead by days brings
one line, not one for each day.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog

from cucmsim.errors import FormatError, StoreError
from cucmsim.pki.release import Release
from cucmsim.services.operations.monitor import expiry_alarms, lsc_alarms, next_check
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.recovery import ALERT_INTERVAL, backup_alert
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View

__all__ = ["CertificateMonitor"]

_URGENT, _NOTABLE = 2, 4  # severities of syslog: critical and above, warning and above

WaitUntil = Callable[[datetime], Awaitable[None]]
"""Waits until the cluster's clock shows a moment."""


class CertificateMonitor:
    """The monitors of the nodes of this process, each with its traces, from `start` to `stop`."""

    def __init__(
        self,
        traces: Mapping[str, TraceFiles],
        view: View,
        operator: Callable[[], Operator],
        wait_until: WaitUntil,
    ) -> None:
        self._traces = traces
        self._view = view
        self._operator = operator
        self._wait_until = wait_until
        self._due: dict[str, datetime] = {}
        self._alert_due: datetime | None = None
        self._next: datetime | None = None
        self._rested = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look now, and again whenever it is time."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _run(self) -> None:
        while True:
            self._next = await self.look()
            self._rested.set()
            await self._wait_until(self._next)

    async def settled(self) -> None:
        """Wait until what is due by now has been written."""
        while self._task is not None and not self._task.done() and self._is_due():
            self._rested.clear()
            rested = asyncio.create_task(self._rested.wait())
            await asyncio.wait((rested, self._task), return_when=asyncio.FIRST_COMPLETED)
            rested.cancel()

    def _is_due(self) -> bool:
        return self._next is None or self._next <= self._operator().clock.now()

    async def look(self) -> datetime:
        """Write what is due; return when to look again."""
        operator = self._operator()
        now = operator.clock.now()
        for node in self._traces:
            if now >= self._due.get(node, now):
                self._due[node] = self._look_at(node, operator.release, now)
        is_publisher = self._view.replica.publisher.name in self._traces
        if is_publisher and now >= (self._alert_due or now):
            self._alert_due = now + ALERT_INTERVAL
            await self._ask_for_backup(operator)
        due = [*self._due.values(), *([self._alert_due] if self._alert_due else [])]
        return min(due)

    def _look_at(self, node: str, release: Release, now: datetime) -> datetime:
        """Write a node's alarms; return when it is looked at again: LSCs hurry nobody."""
        replica = self._view.replica
        for alarm in lsc_alarms(replica, node, release, now):
            self._write(node, alarm.severity, str(alarm))
        try:
            alarms = expiry_alarms(replica, node, now)
        except FormatError as error:
            structlog.get_logger(node=node).error("certificates not checked", why=str(error))
            return next_check((), now)
        for alarm in alarms:
            self._write(node, alarm.severity, str(alarm))
        return next_check(alarms, now)

    async def _ask_for_backup(self, operator: Operator) -> None:
        """Write the alert of a day on which the recovery key is not saved."""
        publisher = self._view.replica.publisher.name
        try:
            alert = await backup_alert(operator)
        except StoreError as error:
            structlog.get_logger(node=publisher).warning("backup not checked", why=str(error))
            return
        if alert is not None:
            self._write(publisher, _NOTABLE, alert)

    def _write(self, node: str, severity: int, line: str) -> None:
        """Write a line, at the level that its severity of syslog is."""
        level = "error" if severity <= _URGENT else "warning" if severity <= _NOTABLE else "info"
        self._traces[node].say("syslog", [line], level)
        log = structlog.get_logger(node=node, trace=True)
        log.log(logging.getLevelName(level.upper()), line)
