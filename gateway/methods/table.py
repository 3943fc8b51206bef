"""The type of a method and of the tables that name them."""

from collections.abc import Awaitable, Callable, Mapping

from gateway.backend import Json
from gateway.errors import RpcError
from gateway.params import Params

Handler = Callable[[Params], Awaitable[Json | RpcError]]
"""Starts a method: parameters are checked before it returns or when it is awaited."""

MethodTable = Mapping[str, Handler]
