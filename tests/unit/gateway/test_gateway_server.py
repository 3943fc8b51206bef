import socket

from gateway.server import _listen


def test_answers_leave_without_nagles_delay() -> None:
    """An answer is two writes; without the option each would cost a delayed ACK of 40 ms."""
    with _listen("127.0.0.1", 0) as listener:
        # asyncio sets TCP_NODELAY on connections of sockets that name the protocol, only.
        assert listener.proto == socket.IPPROTO_TCP
