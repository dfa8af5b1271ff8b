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

from libscenario import run, scratch, test

PORT = 80


def connect(t, client, server):
    """A connection: client's socket, server's socket, and both endpoints."""
    listener = server.listen(PORT)
    sock = client.edutcp()
    sock.connect((server.address, PORT))
    accepted, peer = listener.accept()
    t.defer(accepted.close)
    return sock, accepted, peer, (server.address, PORT)


def check_all(t, recorder):
    """Claims that hold for every segment."""
    recorder.update()
    for segment in recorder.segments:
        t.equal(segment.checksum_ok, True, "checksum is right")
        t.equal(segment.ip_checksum_ok, True, "IP checksum is right")
        t.check("URG" not in segment.flags, "no segment is urgent")
        t.check("SYN" in segment.flags or not segment.options,
                "options are only in a SYN")


def talk(t, client, server, recorder, payload):
    """One connection, one request, both sides close one after the other."""
    sock, accepted, a, b = connect(t, client, server)
    sock.sendall(payload)
    received = b""
    while len(received) < len(payload):
        received += accepted.recv(65536)
    t.equal(received, payload, "what the server has read")
    t.wait_for(lambda: not client.rows(local=a)[0]["send_queue"],
               "the ACK of all text")

    sock.close()
    fin = t.wait_for_sent(recorder, "the client's FIN", source=a,
                          kind="FIN,ACK")[0]
    t.equal(accepted.recv(1), b"", "what the server reads after the FIN")
    t.wait_for(lambda: [s for s in recorder.sent(source=b, kind="ACK")
                        if s.ack == (fin.seq + 1) % 2**32],
               "the server's ACK of the client's FIN")
    t.wait_for_row(client, remote=b, state="FIN_WAIT_2")
    accepted.close()
    t.wait_for_row(client, remote=b, state="TIME_WAIT")
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
        t.check(0 < len(segment.text) <= 1460, "text is within the MSS")
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
        size = sum(16 + 14 + 20 + 20 + 4 * (2 * ("SYN" in s.flags)) +
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
    for options in re.findall(r"options \[(.*?)\]", text):
        t.check(re.fullmatch(r"mss 1460,nop,wscale \d+", options),
                "options are MSS 1460 and window scale, not " + options)
    t.equal(len(re.findall("options", text)), 2, "segments with options")


@test("a SYN and a SYN,ACK carry MSS 1460 and a window scale")
def options(t):
    client, server = t.hosts(offload=False)
    recorder = t.record(client, server)
    connect(t, client, server)
    for kind in ("SYN", "SYN,ACK"):
        syn = t.wait_for_sent(recorder, kind, kind=kind)[0]
        t.equal(set(syn.options), {"mss", "wscale"}, "options of " + kind)
        t.equal(syn.options["mss"], 1460, "MSS of " + kind)
        t.check(syn.options["wscale"] <= 14, "window scale is at most 14")
        t.check(syn.window > 0, "the window is open")


@test("who does not offer a window scale gets none")
def no_scale(t):
    client, server = t.hosts(offload=False)
    client.set("net.ipv4.tcp_window_scaling", 0)
    recorder = t.record(client, server)
    server.listen(PORT)
    client.stock().connect((server.address, PORT))
    reply = t.wait_for_sent(recorder, "SYN,ACK", kind="SYN,ACK")[0]
    t.equal(set(reply.options), {"mss"}, "options of the SYN,ACK")


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
