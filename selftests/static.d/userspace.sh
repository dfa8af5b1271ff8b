#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# userspace.sh FOLDER - inside the VM, on its stage: run what was built from
# userspace/ into FOLDER with the address and undefined-behaviour sanitizers
#
# The server is spoken to by the client, and then by a program that knows nothing
# of edutcp and is led to it by the preload library.  A sanitizer ends a program
# with a status other than 0.

set -uo pipefail

FOLDER=$1
PORT=8080
OUTPUT=$(mktemp)
# What was not built with the sanitizer has to load it first; and its leaks, and
# those of programs that end with memory in their hands, are not our business.
PRELOAD="$(gcc -print-file-name=libasan.so) $FOLDER/libedutcp-preload.so"

listens()
{
	ip netns exec server grep -q LISTEN /proc/edutcp/connections
}

# said WHAT COMMAND... - the command says WHAT to the server: does it arrive?
said()
{
	local what=$1 server i status=0
	shift

	# Its input is the line that lets it close.
	ip netns exec server "$FOLDER/server" 10.7.0.2 "$PORT" <<< "" > "$OUTPUT" &
	server=$!
	for ((i = 0; i < 100; i++)); do
		if listens; then
			break
		fi
		sleep 0.1
	done
	ip netns exec client "$@" || status=$?
	if [ "$status" -ne 0 ]; then
		echo "$1 has ended with status $status"
		kill "$server" 2>/dev/null
	fi
	wait "$server" || status=$?
	grep -qxF "$what" "$OUTPUT" || {
		echo "'$what' has not arrived; the server says:"
		cat "$OUTPUT"
		status=1
	}
	return $status
}

said "by the client" "$FOLDER/client" 10.7.0.2 "$PORT" <<< "by the client" &&
	ASAN_OPTIONS=detect_leaks=0 said "by another" \
		env LD_PRELOAD="$PRELOAD" \
		bash -c "echo by another > /dev/tcp/10.7.0.2/$PORT"
