"""Errors of the package.

ContractError
├── UnknownContractError  no artifact of that name
├── GenesisError          predeploys that cannot be built from these parameters
├── MessageError          a message that the Portal would not have sent
├── LogError              a log that is no well-formed `MessageSent` of the Portal
├── ReturnDataError       return data of a view call that does not decode
└── PointError            bytes that are no point of BLS12-381 as L1 takes it
"""


class ContractError(Exception):
    """Base of all errors of this package."""


class UnknownContractError(ContractError):
    """No artifact has this name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no contract {name!r}; known: {', '.join(known)}")
        self.name = name


class GenesisError(ContractError):
    """Predeploys cannot be built from these parameters."""


class MessageError(ContractError):
    """A message breaks a bound that the Portal enforces."""

    def __init__(self, field: str, expected: str, got: object) -> None:
        super().__init__(f"message {field}: expected {expected}, got {got}")
        self.field = field


class LogError(ContractError):
    """A log is no well-formed ``MessageSent`` of the Portal."""


class ReturnDataError(ContractError):
    """The return data of a view call does not decode."""

    def __init__(self, view: str, expected: str, got_bytes: int) -> None:
        super().__init__(f"{view}: expected {expected}, got {got_bytes} bytes")
        self.view = view


class PointError(ContractError):
    """Bytes are no point of the group, or the one point that L1 does not take."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: expected a point of the group other than infinity, got {reason}")
        self.what = what
