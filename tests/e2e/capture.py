"""What went over the loopback interface, packet by packet, as any eavesdropper would have it. Needs CAP_NET_RAW."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Container
from dataclasses import dataclass

IPV4, OUTGOING = 0x0800, 4
TCP, UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP or UDP packet with its content; ends are (address, port)."""

    protocol: int
    source: tuple[str, int]
    target: tuple[str, int]
    content: bytes

    def touches(self, address: str, ports: Container[int]) -> bool:
        """Whether it comes from or goes to one of these ports of an address."""
        return any(end[0] == address and end[1] in ports for end in (self.source, self.target))


class Capture:
    """Keeps what goes over `lo` from its making until it is closed. Raises PermissionError."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("lo", IPV4))
        self._socket.settimeout(0.2)
        self._frames: list[bytes] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                frame, (_, _, kind, *_) = self._socket.recvfrom(70000)
            except TimeoutError:
                continue
            if kind != OUTGOING:  # on loopback everything is seen twice
                self._frames.append(frame)

    def forget(self) -> None:
        """Begin anew."""
        self._frames = []

    def close(self) -> None:
        """Listen no longer."""
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    def packets(self) -> list[Packet]:
        """All that was heard so far and has content; also what others on this machine say."""
        return [packet for frame in list(self._frames) if (packet := _read(frame[14:])) and packet.content]


def _read(ip: bytes) -> Packet | None:
    header, length, protocol = (ip[0] & 15) * 4, struct.unpack_from("!H", ip, 2)[0], ip[9]
    if protocol not in (TCP, UDP) or len(ip) < header + 8:
        return None
    body = ip[header : length or None]
    ports = struct.unpack_from("!HH", body)
    content = body[(body[12] >> 4) * 4 :] if protocol == TCP else body[8:]
    return Packet(protocol, (socket.inet_ntoa(ip[12:16]), ports[0]), (socket.inet_ntoa(ip[16:20]), ports[1]), content)
