#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# two-hosts.sh - two hosts and a cable between them
#
#   netns client             netns server
#     c0 10.7.0.1/24 ========= s0 10.7.0.2/24
#
# Run it to make the pair, or source it for the functions:
#
#   two_hosts_up [NETEM...]	make the pair; NETEM is what follows "netem" in
#				tc(8), e.g. "delay 50ms loss 1%", and holds for
#				each direction
#   two_hosts_cable [NETEM...]	change the cable; without arguments, a good one
#   two_hosts_down		take the pair away
#   on_client COMMAND...	run a command on a host
#   on_server COMMAND...

CLIENT=10.7.0.1
SERVER=10.7.0.2

on_client()
{
	ip netns exec client "$@"
}

on_server()
{
	ip netns exec server "$@"
}

two_hosts_cable()
{
	if [ $# -eq 0 ]; then
		tc -n client qdisc del dev c0 root 2>/dev/null
		tc -n server qdisc del dev s0 root 2>/dev/null
		return 0
	fi
	tc -n client qdisc replace dev c0 root netem "$@" &&
	tc -n server qdisc replace dev s0 root netem "$@"
}

# The hosts know each other's hardware addresses, and IPv6 does not give itself
# addresses: so nothing but the traffic asked for is on the cable, and a lossy
# cable does not delay it by a lost ARP message.
#
# One "ip -batch" for each host, since a program takes long to start in the VM.
two_hosts_up()
{
	ip netns add client &&
	ip netns add server &&
	ip -n client -batch - <<-END &&
		link add c0 address 02:00:00:00:00:01 type veth peer name s0 address 02:00:00:00:00:02 netns server
		link set dev c0 addrgenmode none
		link set dev lo up
		link set dev c0 up
		address add $CLIENT/24 dev c0
		neighbour replace $SERVER lladdr 02:00:00:00:00:02 dev c0 nud permanent
	END
	ip -n server -batch - <<-END || return
		link set dev s0 addrgenmode none
		link set dev lo up
		link set dev s0 up
		address add $SERVER/24 dev s0
		neighbour replace $CLIENT lladdr 02:00:00:00:00:01 dev s0 nud permanent
	END
	[ $# -eq 0 ] || two_hosts_cable "$@"
}

# The cable goes with its ends.
two_hosts_down()
{
	ip -batch - <<-END
		netns delete client
		netns delete server
	END
}

case ${0##*/} in
two-hosts.sh)	two_hosts_up "$@" ;;
esac
