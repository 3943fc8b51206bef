"""The type of a method and of the tables that name them."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.backend import Json
from gateway.params import Params

Handler = Callable[[Params], Awaitable[Json]]
MethodTable = Mapping[str, Handler]
