"""The ecall HALT: the run ends here, with success.

It takes the machine's state and leaves none. As the verifier starts one run, one row ends it, and
nothing comes after.
"""

from __future__ import annotations

from proving.air.chip import AirBuilder, ChipDefinition
from proving.chips.ecall import call_columns, call_frame
from proving.machine.layout import Ecall

SUCCESS = 0


def _constrain(air: AirBuilder) -> None:
    call_frame(air, int(Ecall.HALT), ("exit_code",), ends=True)
    low, high = air.local.many("exit_code")
    air.assert_equal("low limb of the exit code", low, SUCCESS)
    air.assert_equal("high limb of the exit code", high, SUCCESS)


HALT = ChipDefinition("halt", call_columns(("exit_code",)), _constrain)
