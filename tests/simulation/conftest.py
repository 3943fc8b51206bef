"""Says how many schedules were simulated in all, however many workers shared them."""

import pytest

from tests.simulation.campaign import FINALIZED, SCHEDULES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals = dict.fromkeys((SCHEDULES, FINALIZED), 0)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name in totals:
                    totals[name] += int(value)
    if totals[SCHEDULES]:
        terminalreporter.section("simulation")
        for name, total in totals.items():
            terminalreporter.line(f"{name}: {total:,}")
