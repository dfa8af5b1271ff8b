#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""wire.py - the segments on the cable are those of RFC 9293

What is recorded here is what a device without any offload sends: whole
segments with their checksums. One test also asks tcpdump, which knows nothing
of how we read a header.

Text in the third segment of the handshake does not occur: a program may only
send when connect() has returned or poll() has told so, and by then the ACK
of the SYN,ACK has gone.
"""

import errno
import os
import re
import signal
import socket

from libscenario import run, scratch, test

PORT = 80
STOCK_PORT = 81

# As Linux writes them, which is how every trace looks that a student will see.
SYN_OPTIONS = ["mss", "sackOK", "TS", "nop", "wscale"]
OPTIONS = ["nop", "nop", "TS"]


def connect(t, client, server, stock=False):
    """A connection: client's socket, server's socket, and both endpoints."""
    listener = server.listen(STOCK_PORT if stock else PORT, stock=stock)
    sock = client.stock() if stock else client.edutcp()
    sock.connect((server.address, listener.getsockname()[1]))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, sock.getpeername()


def check_all(t, recorder):
    """Claims that hold for every segment."""
    recorder.update()
    for segment in recorder.segments:
        t.equal(segment.checksum_ok, True, "checksum is right")
        t.equal(segment.ip_checksum_ok, True, "IP checksum is right")
        t.check("URG" not in segment.flags, "no segment is urgent")
        if "RST" not in segment.flags:
            t.equal(segment.layout, SYN_OPTIONS if "SYN" in segment.flags
                    else OPTIONS, "options of " + segment.kind())


def talk(t, client, server, recorder, payload, stock=False):
    """One connection, one request, both sides close one after the other."""
    sock, accepted, a, b = connect(t, client, server, stock)

    def wait_for_ack(source, segment, what):
        end = (segment.seq + segment.length()) % 2**32
        t.wait_for(lambda: [s for s in recorder.sent(source=source)
                            if s.kind() == "ACK" and s.ack == end],
                   "the ACK of " + what)

    sock.sendall(payload)
    received = b""
    while len(received) < len(payload):
        received += accepted.recv(65536)
    t.equal(received, payload, "what the server has read")
    wait_for_ack(b, recorder.sent(source=a, text=True)[-1], "all text")

    sock.close()
    fin = t.wait_for_sent(recorder, "the client's FIN", source=a,
                          kind="FIN,ACK")[0]
    t.equal(accepted.recv(1), b"", "what the server reads after the FIN")
    wait_for_ack(b, fin, "the client's FIN")
    accepted.close()
    fin = t.wait_for_sent(recorder, "the server's FIN", source=b,
                          kind="FIN,ACK")[0]
    wait_for_ack(a, fin, "the server's FIN")
    return a, b


@test("SYN, SYN+ACK, ACK, data, FIN, ACK, FIN, ACK, and nothing else")
def whole_connection(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    payload = os.urandom(5000)
    a, b = talk(t, client, server, recorder, payload)

    segments = recorder.sent()
    opening, data, closing = segments[:3], segments[3:-4], segments[-4:]
    t.equal([(s.source, s.kind()) for s in opening],
            [(a, "SYN"), (b, "SYN,ACK"), (a, "ACK")], "the opening")
    t.equal([(s.source, s.kind()) for s in closing],
            [(a, "FIN,ACK"), (b, "ACK"), (b, "FIN,ACK"), (a, "ACK")],
            "the closing")
    syn, syn_ack, ack = opening
    iss, irs = syn.seq, syn_ack.seq
    t.equal([s.length() for s in opening], [1, 1, 0], "length of the opening")
    t.equal(syn.ack, 0, "acknowledgment number of the SYN")
    t.equal(syn_ack.ack, (iss + 1) % 2**32, "what the SYN,ACK acknowledges")
    t.equal((ack.seq, ack.ack), ((iss + 1) % 2**32, (irs + 1) % 2**32),
            "sequence and acknowledgment number of the ACK")

    # Each octet of the text goes exactly once, from the client.
    seq = (iss + 1) % 2**32
    text = b""
    for segment in data:
        if segment.source == b:
            t.check(segment.is_bare(), "the server only acknowledges")
            continue
        t.equal(segment.kind(), "ACK", "flags of a segment with text")
        t.equal(segment.seq, seq, "sequence number of the text")
        t.check(0 < len(segment.text) <= 1448,
                "text and options are within the MSS")
        seq = (seq + len(segment.text)) % 2**32
        text += segment.text
    t.equal(text, payload, "the text on the cable")
    t.check("PSH" in [s for s in data if s.source == a][-1].flags,
            "the last segment of the text pushes")

    fin, ack_of_fin, peer_fin, last = closing
    t.equal([s.length() for s in closing], [1, 0, 1, 0],
            "length of the closing")
    t.equal(fin.seq, seq, "sequence number of the FIN")
    t.equal(ack_of_fin.ack, (seq + 1) % 2**32, "ACK of the FIN")
    t.equal((peer_fin.seq, peer_fin.ack),
            ((irs + 1) % 2**32, (seq + 1) % 2**32), "the server's FIN")
    t.equal((last.seq, last.ack), ((seq + 1) % 2**32, (irs + 2) % 2**32),
            "the last ACK")
    check_all(t, recorder)
    recorder.expect_states(client, a, b, [
        "CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2",
        "TIME_WAIT"])
    recorder.expect_states(server, b, a, [
        "LISTEN", "SYN_RCVD", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK",
        "CLOSED"])


@test("tcpdump reads the same connection, and finds no fault")
def tcpdump(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    with scratch() as folder:
        os.chmod(folder, 0o777)
        capture = folder + "/capture"
        errors = open(folder + "/errors", "w+")
        dumper = client.start("tcpdump", "-i", client.device, "-n", "-U",
                              "--immediate-mode", "-Z", "root",
                              "-w", capture, stderr=errors)

        def listening():
            errors.seek(0)
            return "listening on" in errors.read()
        t.wait_for(listening, "tcpdump to listen")
        talk(t, client, server, recorder, b"x" * 1000)
        size = sum(16 + 14 + 20 + 20 + (20 if "SYN" in s.flags else 12) +
                   len(s.text) for s in recorder.sent())
        t.wait_for(lambda: os.path.getsize(capture) >= 24 + size,
                   "tcpdump to have written all segments")
        dumper.send_signal(signal.SIGINT)
        dumper.wait()
        text = client.run("tcpdump", "-r", capture, "-n", "-vv", "-t")

    flags = re.findall(r"Flags \[(\S+?)\]", text)
    t.equal(flags[:3] + flags[-4:],
            ["S", "S.", ".", "F.", ".", "F.", "."], "tcpdump's flags")
    t.equal(len(flags), len(recorder.segments), "tcpdump's segments")
    t.equal(len(re.findall(r"cksum 0x\w+ \(correct\)", text)), len(flags),
            "checksums that tcpdump finds correct in\n" + text)
    stamp = r"TS val \d+ ecr \d+"
    found = re.findall(r"options \[(.*?)\]", text)
    t.equal(len(found), len(flags), "segments with options")
    for syn in found[:2]:
        t.check(re.fullmatch("mss 1460,sackOK,%s,nop,wscale \\d+" % stamp, syn),
                "options of a SYN, which are: " + syn)
    for other in found[2:]:
        t.check(re.fullmatch("nop,nop," + stamp, other),
                "options of another segment, which are: " + other)


@test("a trace of edutcp reads like one of the stock stack")
def like_stock(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    payload = os.urandom(5000)

    def trace(stock):
        """The segments, but for ACKs: these depend on the machine's speed."""
        a, b = talk(t, client, server, recorder, payload, stock)
        segments = recorder.sent(a, b) + recorder.sent(b, a)
        t.equal({tuple(s.layout) for s in segments if s.is_bare()},
                {tuple(OPTIONS)}, "options of ACKs")
        t.check("PSH" in [s for s in segments if s.text][-1].flags,
                "the last segment of the text pushes")
        zero = {s.source: s.seq for s in segments if "SYN" in s.flags}
        return [("client" if s.source == a else "server", s.kind(),
                 (s.seq - zero[s.source]) % 2**32, len(s.text), s.layout,
                 s.options.get("mss"))
                for s in segments if not s.is_bare()]

    t.equal(trace(stock=False), trace(stock=True), "the trace")


@test("a SYN and a SYN,ACK carry the options of Linux, in its order")
def options(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    connect(t, client, server)
    for kind in ("SYN", "SYN,ACK"):
        syn = t.wait_for_sent(recorder, kind, kind=kind)[0]
        t.equal(syn.layout, SYN_OPTIONS, "options of " + kind)
        t.equal(syn.options["mss"], 1460, "MSS of " + kind)
        t.check(syn.options["wscale"] <= 14, "window scale is at most 14")
        t.check(syn.window > 0, "the window is open")
    first, answer = recorder.sent(kind="SYN") + recorder.sent(kind="SYN,ACK")
    t.equal(first.options["TS"][1], 0, "TSecr of the SYN")
    t.equal(answer.options["TS"][1], first.options["TS"][0],
            "TSecr of the SYN,ACK")


# What to switch off, and what of a SYN's options is then left.
SWITCHES = (
    ("window_scaling", ["mss", "sackOK", "TS"], OPTIONS),
    ("sack", ["mss", "nop", "nop", "TS", "nop", "wscale"], OPTIONS),
    ("timestamps", ["mss", "nop", "nop", "sackOK", "nop", "wscale"], []),
)


@test("each option can be switched off, and the SYN is still as Linux's")
def switches(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    for port, (name, syn, other) in enumerate(SWITCHES, 1001):
        for family in ("ipv4.tcp_", "edutcp."):
            client.set("net." + family + name, 0)
        server.listen(port)
        for sock in client.edutcp(), client.stock():
            sock.connect((server.address, port))
            a, b = sock.getsockname(), (server.address, port)
            what = " with %s=0" % name
            t.equal(recorder.sent(a, b, "SYN")[0].layout, syn, "SYN" + what)
            # The server offers what it is offered, and nothing else.
            t.equal(recorder.sent(b, a, "SYN,ACK")[0].layout, syn,
                    "SYN,ACK" + what)
            t.equal(t.wait_for_sent(recorder, "ACK" + what, source=a,
                                    destination=b, kind="ACK")[0].layout,
                    other, "ACK" + what)
        for family in ("ipv4.tcp_", "edutcp."):
            client.set("net." + family + name, 1)


@test("who does not offer options gets none but the MSS")
def no_options(t):
    client, server = t.hosts(offload=False)
    for name, _, _ in SWITCHES:
        client.set("net.ipv4.tcp_" + name, 0)
    recorder = t.record(client, server)
    listener = server.listen(PORT)
    sock = client.stock()
    sock.connect((server.address, PORT))
    reply = t.wait_for_sent(recorder, "SYN,ACK", kind="SYN,ACK")[0]
    t.equal(reply.layout, ["mss"], "options of the SYN,ACK")
    accepted, _ = listener.accept()
    accepted.sendall(b"hello")
    t.equal(sock.recv(5), b"hello", "what the client reads")
    t.equal([s.layout for s in recorder.sent(text=True)], [[]],
            "options of the text")


@test("IP options leave less room for text, with the stock stack and with us")
def ip_options(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    data = os.urandom(20000)
    for port, stock in (1001, False), (1002, True):
        listener = server.listen(port)
        sock = client.stock() if stock else client.edutcp()
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1" * 8)
        sock.connect((server.address, port))
        accepted, a = listener.accept()
        t.defer(accepted.close)
        sock.sendall(data)
        received = b""
        while len(received) < len(data):
            received += accepted.recv(65536)
        t.equal(received, data, "what the server has read")
        sizes = [len(s.text) for s in recorder.sent(source=a, text=True)]
        # 1500 octets, less 20 + 8 of IP's header, and 20 + 12 of TCP's
        t.equal(max(sizes), 1440, "text of the largest segment")
        t.equal(sum(sizes), len(data), "octets on the cable")


@test("six segments when the server closes at once: FIN+ACK in one")
def six_segments(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    # The server's program may be slow; the ACK is to wait for its close().
    server.set("net.edutcp.delayed_ack_ms", 480)
    sock, accepted, a, b = connect(t, client, server)

    def close_at_once():
        while accepted.recv(4096):
            pass
        accepted.close()
    closer = t.background(close_at_once)
    sock.close()
    closer.result()
    t.wait_for_row(client, remote=b, state="TIME_WAIT")
    t.equal([(s.source, s.kind(), s.length()) for s in recorder.sent()],
            [(a, "SYN", 1), (b, "SYN,ACK", 1), (a, "ACK", 0),
             (a, "FIN,ACK", 1), (b, "FIN,ACK", 1), (a, "ACK", 0)],
            "segments")
    check_all(t, recorder)


@test("initial sequence numbers are unpredictable")
def initial_sequence_numbers(t):
    client, server = t.hosts()
    recorder = t.record(client, server)
    listener = server.listen(PORT)
    for _ in range(20):
        sock = client.edutcp()
        sock.connect((server.address, PORT))
        accepted, _peer = listener.accept()
        accepted.close()
        sock.close()
    for kind in ("SYN", "SYN,ACK"):
        numbers = [s.seq for s in recorder.sent(kind=kind)]
        t.equal(len(set(numbers)), 20, "different numbers of " + kind)
        # A clock alone gives steps of about the same size, all upwards. Of
        # random steps the largest and the smallest are far apart.
        steps = [(b - a) % 2**32 for a, b in zip(numbers, numbers[1:])]
        t.check(max(steps) - min(steps) > 2**31,
                "the steps from one %s to the next differ: %s" %
                (kind, steps))


@test("a closed port answers RST and connect() fails with ECONNREFUSED")
def refused(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    # Once the stock stack answers, once edutcp does, which has all of TCP.
    for owner, closed in ((0, 1001), (1, 1002)):
        server.set("net.edutcp.own_tcp", owner)
        sock = client.edutcp()
        t.refuses(errno.ECONNREFUSED, sock.connect, (server.address, closed))
        syn, reset = recorder.sent((None, None), None)[-2:]
        t.equal((syn.kind(), reset.kind()), ("SYN", "RST,ACK"), "segments")
        t.equal((reset.seq, reset.ack), (0, (syn.seq + 1) % 2**32),
                "sequence and acknowledgment number of the RST")
        recorder.expect_states(client, syn.source, syn.destination,
                               ["CLOSED", "SYN_SENT", "CLOSED"])
    # A refused socket may try again, and then has not been refused before.
    server.listen(1002)
    sock.connect((server.address, 1002))
    check_all(t, recorder)


@test("a segment for no connection gets RST with its own ACK as SEQ")
def reset_of_unknown(t):
    client, server = t.hosts(offload=False)
    server.set("net.edutcp.own_tcp", 1)
    recorder = t.record(client, server)
    # A connection that the server has forgotten: it aborts, and its RST is
    # lost.
    sock, accepted, a, b = connect(t, client, server)
    client.drop("tcp flags rst", first=1)
    accepted.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")     # SO_LINGER, 0 s
    accepted.close()
    t.wait_for_sent(recorder, "the RST that gets lost", source=b, kind="RST")
    sock.send(b"hello")
    resets = t.wait_for_sent(recorder, "a second RST", count=2, source=b,
                             kind="RST")
    hello = recorder.sent(source=a, text=True)[0]
    t.equal(resets[1].seq, hello.ack, "SEQ of the second RST")
    t.wait_for(lambda: not client.rows(local=a), "the client to be CLOSED")
    t.refuses(errno.ECONNRESET, sock.recv, 1)
    check_all(t, recorder)


run()
