#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""challenge.py - blind attacks (RFC 5961), and what each switch keeps away

Somebody who knows a connection's ends, and guesses a number in the window,
forges segments to the server. With a switch on they do no harm; with it off
they do what they did in the days of RFC 793.
"""

import errno
import time

from libpeers import (ACK, FIN, PSH, RST, SYN, connect, forge, receive,
                      wait_for_state)
from libscenario import run, test


def victim(t, **settings):
    """A stock client, an edutcp server, a connection; its row there."""
    client, server = t.hosts()
    for name, value in settings.items():
        server.set("net.edutcp." + name, value)
    recorder = t.record(client, server)
    c = connect(t, client, server, stock_client=True)
    row = server.rows(local=c.b, remote=c.a)[0]
    return client, server, recorder, c, row


def attack(client, c, row, flags, seq=0, ack=0, text=b""):
    """A segment as if from the client; SEQ and ACK from what is right."""
    forge(client, c.a, c.b, flags, seq=row["rcv_nxt"] + seq,
          ack=row["snd_nxt"] + ack, text=text)


def unharmed(t, server, c):
    t.equal([r["state"] for r in server.rows(local=c.b, remote=c.a)],
            ["ESTABLISHED"], "state of the server's end")
    for sender, receiver in (c.client, c.server), (c.server, c.client):
        sender.sendall(b"hello")
        t.equal(receive(receiver, 5), b"hello", "what is read")


def challenge_ack(t, recorder, c, row):
    """The server answers with what it expects, which proves nothing to who
    cannot see it."""
    answer = t.wait_for_sent(recorder, "a challenge ACK", source=c.b,
                             kind="ACK")[0]
    t.equal((answer.seq, answer.ack), (row["snd_nxt"], row["rcv_nxt"]),
            "SEQ and ACK of the challenge ACK")


@test("challenge_rst=1: a RST in the window but not at its edge is challenged")
def rst_on(t):
    client, server, recorder, c, row = victim(t)
    attack(client, c, row, RST, seq=1000)
    challenge_ack(t, recorder, c, row)
    attack(client, c, row, RST | ACK, seq=1)
    unharmed(t, server, c)
    stats = server.stats()
    t.equal((stats["DropRstChallenged"], stats["ChallengeAcks"]), (2, 1),
            "DropRstChallenged and ChallengeAcks")
    # At the edge it is believed.
    row = server.rows(local=c.b, remote=c.a)[0]
    attack(client, c, row, RST)
    t.refuses(errno.ECONNRESET, c.server.recv, 1)


@test("challenge_rst=0: any RST in the window ends the connection")
def rst_off(t):
    client, server, recorder, c, row = victim(t, challenge_rst=0)
    # Outside of the window it does not even now.
    attack(client, c, row, RST, seq=-1)
    attack(client, c, row, RST, seq=10000000)
    unharmed(t, server, c)
    row = server.rows(local=c.b, remote=c.a)[0]
    attack(client, c, row, RST, seq=1000)
    t.refuses(errno.ECONNRESET, c.server.recv, 1)
    end = recorder.expect_states(server, c.b, c.a, [
        "LISTEN", "SYN_RCVD", "ESTABLISHED", "CLOSED"])[-1]
    t.check("RST" in end.cause, "the cause is " + end.cause)


@test("challenge_syn=1: a SYN in the window is challenged")
def syn_on(t):
    client, server, recorder, c, row = victim(t)
    attack(client, c, row, SYN, seq=1000)
    challenge_ack(t, recorder, c, row)
    attack(client, c, row, SYN | ACK)
    unharmed(t, server, c)
    t.equal(server.stats()["DropSynChallenged"], 2, "DropSynChallenged")


@test("challenge_syn=0: a SYN in the window ends the connection by a RST")
def syn_off(t):
    client, server, recorder, c, row = victim(t, challenge_syn=0)
    attack(client, c, row, SYN, seq=1000)
    t.refuses(errno.ECONNRESET, c.server.recv, 1)
    wait_for_state(t, server, False, c.b, c.a, None)
    resets = [s for s in recorder.sent(source=c.b) if "RST" in s.flags]
    t.equal(len(resets), 1, "RSTs of the server")


@test("challenge_ack=1: text with an old ACK is not taken")
def ack_on(t):
    client, server, recorder, c, row = victim(t)
    attack(client, c, row, ACK | PSH, ack=-(1 << 30), text=b"evil")
    challenge_ack(t, recorder, c, row)
    unharmed(t, server, c)
    t.equal(server.stats()["DropAckTooOld"], 1, "DropAckTooOld")


@test("challenge_ack=0: it is, and the user reads what nobody has sent")
def ack_off(t):
    _client, server, _recorder, c, row = victim(t, challenge_ack=0)
    attack(_client, c, row, ACK | PSH, ack=-(1 << 30), text=b"evil")
    t.equal(receive(c.server, 4), b"evil", "what the server reads")


@test("challenge_interval_ms: a connection does not challenge more often")
def interval(t):
    client, server, recorder, c, row = victim(t, challenge_interval_ms=60000)
    for number in range(20):
        attack(client, c, row, RST, seq=1000 + number)
    unharmed(t, server, c)
    stats = server.stats()
    t.equal((stats["DropRstChallenged"], stats["ChallengeAcks"]), (20, 1),
            "DropRstChallenged and ChallengeAcks")

    server.set("net.edutcp.challenge_interval_ms", 1)
    row = server.rows(local=c.b, remote=c.a)[0]

    def challenged_again():
        attack(client, c, row, RST, seq=1000)
        return server.stats()["ChallengeAcks"] >= 3
    t.wait_for(challenged_again, "challenge ACKs at shorter intervals")
    unharmed(t, server, c)


@test("challenge_limit: nor do all connections together")
def limit(t):
    client, server, _recorder, c, row = victim(t, challenge_limit=0)
    attack(client, c, row, RST, seq=1000)
    t.wait_for(lambda: server.stats()["DropRstChallenged"] == 1,
               "the RST to arrive")
    t.equal(server.stats()["ChallengeAcks"], 0, "ChallengeAcks with limit 0")
    unharmed(t, server, c)

    # Between half of that and all, anew in each second: from the next one on.
    most = 2
    server.set("net.edutcp.challenge_limit", most)
    others = [connect(t, client, server, stock_client=True, port=port)
              for port in range(81, 111)]
    rows = [server.rows(local=o.b, remote=o.a)[0] for o in others]
    row = server.rows(local=c.b, remote=c.a)[0]

    def challenged():
        attack(client, c, row, RST, seq=1000)
        return server.stats()["ChallengeAcks"]
    t.wait_for(challenged, "a challenge ACK with limit %d" % most)
    before = server.stats()
    begun = time.monotonic()
    for other, row in zip(others, rows):
        attack(client, other, row, RST, seq=1000)
    t.wait_for(lambda: server.stats()["DropRstChallenged"] >=
               before["DropRstChallenged"] + len(others), "all RSTs to arrive")
    seconds = int(time.monotonic() - begun) + 2     # that had a part in it
    sent = server.stats()["ChallengeAcks"] - before["ChallengeAcks"]
    t.check(sent <= most * seconds < len(others),
            "of %d RSTs in %d seconds only a few are challenged: %d" %
            (len(others), seconds, sent))
    for other in others:
        unharmed(t, server, other)


@test("a FIN with text that nobody has sent, out of the window, is nothing")
def far_fin(t):
    client, server, _recorder, c, row = victim(t)
    attack(client, c, row, FIN | ACK, seq=10000000, text=b"evil")
    t.wait_for(lambda: server.stats()["DropOutOfWindow"] == 1,
               "the segment to arrive")
    unharmed(t, server, c)


run()
