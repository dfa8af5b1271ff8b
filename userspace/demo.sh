#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - the life of one connection, in every state that it passes through
#
# To be run in the VM ("make run"). Two hosts, a client's and a server's, are
# joined by a slow cable, so that there is time to look. At each stage this
# waits until both tables say what the textbook says, shows them, and tells in
# a line what is to be seen. The exit status is 0 only if all stages were seen.

set -u

PORT=8080
DELAY_MS=1500		# each way: a round trip takes twice as long
TIME_WAIT_MS=4000
PATIENCE=30		# seconds to wait for a stage

HERE=$(dirname "$(realpath "$0")")
. "$HERE/../selftests/vm/two-hosts.sh"

# A process in each namespace, so that its table is a file to us: nothing has
# to be started to look at it, which in a virtual machine takes long.
declare -A namespace_of
ip netns exec client sleep infinity &
namespace_of[client]=$!
ip netns exec server sleep infinity &
namespace_of[server]=$!

# table HOST: into $table
table()
{
	table=$(< "/proc/${namespace_of[$1]}/net/edutcp/connections")
}

# The columns that matter here, of those that Documentation/proc.rst lists:
# local, remote, state, opened, timer and timer_ms.
show()
{
	local host='' column

	table "$1"
	while read -ra column; do
		printf '  %-7s %-16s %-16s %-12s %-8s %-11s %8s\n' "$host" \
			"${column[@]:0:4}" "${column[6]}" "${column[7]}"
		host=$1		# but not in the line of names
	done <<< "$table"
}

# state_is HOST STATE: is the connection, or the listener, in that state? NONE
# means that the host has no row at all.
state_is()
{
	local states='' state

	table "$1"
	while read -r _ _ state _; do
		[ "$state" = state ] || states+=" $state "
	done <<< "$table"
	if [ "$2" = NONE ]; then
		[ -z "$states" ]
	else
		[[ $states = *" $2 "* ]]
	fi
}

# timer_ms HOST: into $timer_ms, of the last row
timer_ms()
{
	table "$1"
	read -r _ _ _ _ _ _ _ timer_ms _ <<< "${table##*$'\n'}"
}

# stage CLIENT_STATE SERVER_STATE TEXT: wait for both, then show both
stage()
{
	local end=$((SECONDS + PATIENCE))

	until [ "$1" = any ] || state_is client "$1"; do
		[ $SECONDS -lt $end ] || missed client "$1"
	done
	until [ "$2" = any ] || state_is server "$2"; do
		[ $SECONDS -lt $end ] || missed server "$2"
	done
	printf '\n%s\n' "$3"
	show client
	show server | tail -n +2
}

missed()
{
	printf '\nFAILED: %s did not reach %s in %s s\n' "$1" "$2" "$PATIENCE"
	show client
	show server
	exit 1
}

cleanup()
{
	exec 3>&- 4>&-
	# shellcheck disable=SC2046
	kill $(jobs -p) 2>/dev/null
	rm -rf "$pipes"
}

pipes=$(mktemp -d)
trap cleanup EXIT
mkfifo "$pipes/client" "$pipes/server"

two_hosts_cable delay ${DELAY_MS}ms
# On such a cable an answer takes longer than a second: nobody is to think that
# it was lost, and send again.
for host in client server; do
	ip netns exec $host sysctl -qw net.edutcp.rto_initial_ms=$((4 * DELAY_MS))
done
on_client sysctl -qw net.edutcp.time_wait_ms=$TIME_WAIT_MS

# shellcheck disable=SC2153 # two-hosts.sh has set them
echo "The life of a TCP connection: $CLIENT (client) to $SERVER:$PORT (server)."
echo "The cable delays everything by $DELAY_MS ms."

on_server server "$SERVER" $PORT < "$pipes/server" &
server=$!
exec 4> "$pipes/server"		# what is written to 4 is typed into it
stage any LISTEN \
	"1. LISTEN: the server waits for anybody (passive OPEN)."

on_client client "$SERVER" $PORT < "$pipes/client" &
client=$!
exec 3> "$pipes/client"
stage SYN_SENT LISTEN \
	"2. SYN_SENT: the client has sent a SYN with its initial sequence number."
stage SYN_SENT SYN_RCVD \
	"3. SYN_RCVD: the SYN has arrived; the server answers with a SYN,ACK."
stage ESTABLISHED SYN_RCVD \
	"4. The SYN,ACK has arrived: the client is ESTABLISHED and acknowledges."
stage ESTABLISHED ESTABLISHED \
	"5. ESTABLISHED on both sides: the three-way handshake is complete."

echo "Hello, server." >&3
exec 3>&-			# the end of its input: it closes
stage FIN_WAIT_1 ESTABLISHED \
	"6. FIN_WAIT_1: the client has sent its text and a FIN."
stage FIN_WAIT_1 CLOSE_WAIT \
	"7. CLOSE_WAIT: the server knows that no more will come, but may still send."
stage FIN_WAIT_2 CLOSE_WAIT \
	"8. FIN_WAIT_2: the server has acknowledged the client's FIN."

echo >&4
stage FIN_WAIT_2 LAST_ACK \
	"9. LAST_ACK: the server has closed too and waits for the ACK of its FIN."
stage TIME_WAIT LAST_ACK \
	"10. TIME_WAIT: the client has acknowledged it, and stays in case that is lost."
stage TIME_WAIT NONE \
	"11. The last ACK has arrived: the server is done, its row is gone."

timer_ms client
before=$timer_ms
while state_is client TIME_WAIT && [ "$timer_ms" -gt $((before - 500)) ]; do
	timer_ms client
done
stage TIME_WAIT NONE \
	"12. TIME_WAIT counts down (timer_ms), from net.edutcp.time_wait_ms = $TIME_WAIT_MS."

stage NONE NONE \
	"13. Neither side has a row: the connection is over."

wait $client || missed client "exit status 0"
wait $server || missed server "exit status 0"
printf '\nAll stages were seen.\n'
