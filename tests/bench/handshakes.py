"""Shakes hands with 127.0.0.1 again and again, as fast as one core can, and says how often.

handshakes.py PORT SECONDS SERVER_NAME (full | resumed) (1.2 | 1.3)

Python's own `ssl` would take three times as long as the server; so OpenSSL is called directly. Each connection ends
as TLS wants it, with a farewell, and is closed without waiting for the other side's.
"""

import ctypes
import ctypes.util
import socket
import sys
import time

VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
SET_MIN_PROTO_VERSION = 123
SET_MAX_PROTO_VERSION = 124
SET_TLSEXT_HOSTNAME = 55

ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))


def declare(name, result, *arguments):
    function = getattr(ssl, name)
    function.restype, function.argtypes = result, arguments
    return function


pointer, whole = ctypes.c_void_p, ctypes.c_int
tls_client_method = declare("TLS_client_method", pointer)
new_context = declare("SSL_CTX_new", pointer, pointer)
control_context = declare("SSL_CTX_ctrl", ctypes.c_long, pointer, whole, ctypes.c_long, pointer)
new = declare("SSL_new", pointer, pointer)
free = declare("SSL_free", None, pointer)
set_fd = declare("SSL_set_fd", whole, pointer, whole)
control = declare("SSL_ctrl", ctypes.c_long, pointer, whole, ctypes.c_long, pointer)
connect = declare("SSL_connect", whole, pointer)
shutdown = declare("SSL_shutdown", whole, pointer)
read = declare("SSL_read", whole, pointer, ctypes.c_char_p, whole)
write = declare("SSL_write", whole, pointer, ctypes.c_char_p, whole)
get_session = declare("SSL_get1_session", pointer, pointer)
set_session = declare("SSL_set_session", whole, pointer, pointer)
is_reused = declare("SSL_session_reused", whole, pointer)

port, seconds, name, kind, version = sys.argv[1:]
address = ("127.0.0.1", int(port))
context = new_context(tls_client_method())
for limit in (SET_MIN_PROTO_VERSION, SET_MAX_PROTO_VERSION):
    control_context(context, limit, VERSIONS[version], None)
server_name = ctypes.create_string_buffer(name.encode())


def meet(session=None, talk=False):
    plain = socket.socket()
    plain.connect(address)
    connection = new(context)
    set_fd(connection, plain.fileno())
    control(connection, SET_TLSEXT_HOSTNAME, 0, server_name)
    if session is not None:
        set_session(connection, session)
    if connect(connection) != 1:
        sys.exit("a handshake failed")
    if session is not None and not is_reused(connection):
        sys.exit("a session was not resumed")
    got = None
    if talk:
        request = b"GET /1k HTTP/1.1\r\nHost: a\r\n\r\n"
        write(connection, request, len(request))
        read(connection, ctypes.create_string_buffer(16384), 16384)
        got = get_session(connection)
    shutdown(connection)
    free(connection)
    plain.close()
    return got


session = meet(talk=True) if kind == "resumed" else None
count = 0
end = time.monotonic() + float(seconds)
while time.monotonic() < end:
    meet(session)
    count += 1
print(count)
