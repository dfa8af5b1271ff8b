#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""states.py - each of the eleven states, held and seen

A connection stays in a state because what would end it is lost, or because
nobody calls. Its row in /proc/edutcp/connections must say so all the time, with
the timer that runs; then the cable is whole again, and it goes on. The peer is
edutcp once, and the stock stack once.
"""

import errno
import socket
import time

from libpeers import (MATCH_ALL, MATCH_BARE_ACK, MATCH_FIN, MATCH_SYN,
                      MATCH_SYN_ACK, PORT, connect, new_socket, state_of,
                      wait_for_state)
from libscenario import run, test

ACTIVE = ["CLOSED", "SYN_SENT", "ESTABLISHED"]
PASSIVE = ["LISTEN", "SYN_RCVD", "ESTABLISHED"]


def stays(t, host, state, seconds=1.0, **columns):
    """A row in this state, with these columns, that is there for a while;
    return it."""
    row = t.wait_for_row(host, state=state)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rows = [r for r in host.rows() if r["local"] == row["local"] and
                r["remote"] == row["remote"]]
        t.equal([r["state"] for r in rows], [state], "the state, in time")
        for name, value in columns.items():
            t.equal(rows[0][name], value, "column " + name)
        time.sleep(0.05)
    return row


def both_peers(name):
    """A test of the client's (else the server's) state, with either peer."""
    def register(function):
        @test("%s, against edutcp and against the stock stack" % name)
        def twice(t):
            for stock in False, True:
                client, server = t.hosts()
                function(t, client, server, t.record(client, server), stock)
        return twice
    return register


def start(t, client, server, stock):
    """connect() that does not wait; the socket, its endpoint, the listener."""
    listener = server.listen(PORT, stock=stock)
    sock = client.edutcp(nonblocking=True)
    t.refuses(errno.EINPROGRESS, sock.connect, (server.address, PORT))
    return sock, sock.getsockname(), listener


@both_peers("LISTEN: of a listener, whoever connects")
def listen(t, client, server, recorder, stock):
    listener = server.listen(PORT, backlog=7)
    columns = {"local": ("0.0.0.0", PORT), "remote": ("0.0.0.0", 0),
               "opened": "passive", "timer": "-", "send_queue": 7}
    stays(t, server, "LISTEN", recv_queue=0, **columns)
    new_socket(client, stock).connect((server.address, PORT))
    # Connected, and not accepted.
    t.wait_for_row(server, state="LISTEN", recv_queue=1, **columns)
    t.equal(len(server.rows()), 2, "rows: the listener's, the connection's")
    listener.close()
    t.equal(server.rows(), [], "rows when it is closed")


@both_peers("SYN_SENT: the SYN does not arrive")
def syn_sent(t, client, server, recorder, stock):
    server.drop(MATCH_SYN)
    _sock, a, _ = start(t, client, server, stock)
    stays(t, client, "SYN_SENT", opened="active", timer="retransmit",
          send_queue=1, irs=0, rcv_nxt=0)
    server.drop_nothing()
    recorder.expect_states(client, a, (server.address, PORT), ACTIVE)


@test("SYN_RCVD of a listener: the ACK of its SYN,ACK does not arrive")
def syn_rcvd(t):
    for stock in False, True:
        client, server = t.hosts()
        recorder = t.record(client, server)
        server.drop(MATCH_BARE_ACK)
        listener = server.listen(PORT)
        sock = new_socket(client, stock)
        sock.connect((server.address, PORT))
        row = stays(t, server, "SYN_RCVD", opened="passive", inode=0,
                    timer="retransmit")
        a, b = sock.getsockname(), (server.address, PORT)
        t.equal((row["local"], row["remote"]), (b, a), "local and remote")
        t.equal((row["snd_una"], row["snd_nxt"], row["rcv_nxt"]),
                (row["iss"], (row["iss"] + 1) % 2**32,
                 (row["irs"] + 1) % 2**32), "sequence numbers in SYN_RCVD")
        t.check(t.wait_for_row(server, state="SYN_RCVD",
                               retransmissions=1)["timer_ms"] > 0,
                "the timer runs on")
        server.drop_nothing()
        recorder.expect_states(server, b, a, PASSIVE)
        listener.accept()[0].close()


@both_peers("SYN_RCVD of who has sent a SYN: the SYN,ACKs are lost")
def syn_rcvd_active(t, client, server, recorder, stock):
    for host in client, server:
        host.cable("delay", "100ms")
        host.drop(MATCH_SYN_ACK)
    a, b = (client.address, 1001), (server.address, 1002)
    socks = client.edutcp(), new_socket(server, stock)
    for sock, mine, theirs in (socks[0], a, b), (socks[1], b, a):
        sock.setblocking(False)
        sock.bind(mine)
        t.refuses(errno.EINPROGRESS, sock.connect, theirs)
    stays(t, client, "SYN_RCVD", opened="active", timer="retransmit",
          send_queue=1)
    wait_for_state(t, server, stock, b, a, "SYN_RCVD")
    client.drop_nothing()
    server.drop_nothing()
    recorder.expect_states(client, a, b, [
        "CLOSED", "SYN_SENT", "SYN_RCVD", "ESTABLISHED"])


@both_peers("ESTABLISHED: nobody says anything")
def established(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    stays(t, client, "ESTABLISHED", opened="active", timer="-", recv_queue=0,
          send_queue=0, retransmissions=0)
    if not stock:
        stays(t, server, "ESTABLISHED", opened="passive", timer="-",
              remote=c.a)
    recorder.expect_states(client, c.a, c.b, ACTIVE)


@both_peers("FIN_WAIT_1: the FIN does not arrive")
def fin_wait_1(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    server.drop(MATCH_FIN)
    c.client.shutdown(socket.SHUT_WR)
    stays(t, client, "FIN_WAIT_1", timer="retransmit", send_queue=1)
    t.equal(state_of(server, stock, c.b, c.a), "ESTABLISHED",
            "state of the peer")
    server.drop_nothing()
    recorder.expect_states(client, c.a, c.b,
                           ACTIVE + ["FIN_WAIT_1", "FIN_WAIT_2"])


@both_peers("FIN_WAIT_2 and CLOSE_WAIT: the peer does not close")
def fin_wait_2(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    c.client.shutdown(socket.SHUT_WR)
    # There is a reader: no timer ends this.
    stays(t, client, "FIN_WAIT_2", timer="-", send_queue=0)
    t.equal(state_of(server, stock, c.b, c.a), "CLOSE_WAIT",
            "state of the peer")
    c.server.close()
    recorder.expect_states(client, c.a, c.b, ACTIVE + [
        "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"])


@both_peers("CLOSE_WAIT: the peer has closed, we have not")
def close_wait(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    c.server.shutdown(socket.SHUT_WR)
    row = t.wait_for_row(client, state="CLOSE_WAIT", timer="-")
    stays(t, client, "CLOSE_WAIT", timer="-", recv_queue=0, send_queue=0)
    t.equal(row["opened"], "active", "column opened")
    t.equal(c.client.recv(1), b"", "what is read after the FIN")
    t.equal(state_of(server, stock, c.b, c.a), "FIN_WAIT_2",
            "state of the peer")
    c.client.close()
    recorder.expect_states(client, c.a, c.b, ACTIVE + [
        "CLOSE_WAIT", "LAST_ACK", "CLOSED"])


@both_peers("CLOSING: FINs have crossed, their ACKs do not arrive")
def closing(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    for host in client, server:
        host.cable("delay", "50ms")
        # A FIN that comes again acknowledges, too.
        host.drop("%s counter accept; %s" % (MATCH_FIN +
                                             " numgen inc mod 1000000 < 1",
                                             MATCH_ALL))
    c.client.shutdown(socket.SHUT_WR)
    c.server.shutdown(socket.SHUT_WR)
    stays(t, client, "CLOSING", timer="retransmit", send_queue=1)
    t.equal(state_of(server, stock, c.b, c.a), "CLOSING",
            "state of the peer")
    for host in client, server:
        host.drop_nothing()
    recorder.expect_states(client, c.a, c.b, ACTIVE + [
        "FIN_WAIT_1", "CLOSING", "TIME_WAIT"])


@both_peers("LAST_ACK: the last ACK does not arrive")
def last_ack(t, client, server, recorder, stock):
    c = connect(t, client, server, stock_server=stock)
    c.server.shutdown(socket.SHUT_WR)
    t.wait_for_row(client, state="CLOSE_WAIT")
    client.drop(MATCH_BARE_ACK)
    c.client.close()
    stays(t, client, "LAST_ACK", timer="retransmit", inode=0, send_queue=1)
    t.equal(state_of(server, stock, c.b, c.a), "TIME_WAIT",
            "state of the peer")
    client.drop_nothing()
    recorder.expect_states(client, c.a, c.b, ACTIVE + [
        "CLOSE_WAIT", "LAST_ACK", "CLOSED"])


@both_peers("TIME_WAIT, and CLOSED, where there is no row")
def time_wait(t, client, server, recorder, stock):
    client.set("net.edutcp.time_wait_ms", 3000)
    c = connect(t, client, server, stock_server=stock)
    c.client.close()
    t.wait_for_row(client, state="FIN_WAIT_2")
    c.server.close()
    stays(t, client, "TIME_WAIT", timer="time_wait", inode=0, recv_queue=0,
          send_queue=0)
    t.equal(state_of(server, stock, c.b, c.a), None, "the peer's row")
    recorder.expect_states(client, c.a, c.b, ACTIVE + [
        "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"])
    t.equal(client.rows(), [], "rows of the client in CLOSED")


run()
