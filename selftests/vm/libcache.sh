# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# libcache.sh - the cache folder, and what is fetched into it from Debian's
# packages; to be sourced
#
# The folder is ${EDUTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edutcp}.  What
# lies there is whole: it is made in a scratch folder, and moved in place last.

# depmod, modprobe: not on an ordinary user's path
PATH=$PATH:/usr/sbin:/sbin

CACHE=${EDUTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edutcp}
SCRATCH=

say()
{
	echo "$(basename "$0"): $*" >&2
}

die()
{
	say "$@"
	exit 1
}

cleanup()
{
	if [ -n "$SCRATCH" ]; then
		rm -rf "$SCRATCH"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Where apt finds its lists.  They are the system's own at first; when those
# are absent or too old, lists of our own in the cache, so that an ordinary
# user can fetch a kernel without becoming root.
APT_OPTIONS=(-o APT::Sandbox::User=)
OWN_LISTS=(-o "Dir::State::Lists=$CACHE/apt/lists" -o "Dir::Cache=$CACHE/apt/cache")

# The suite that apt sees.
SUITE=here

# use_archive SUITE ARCHITECTURE - let apt see that suite and architecture, and
# no installed package, from now on
#
# SUITE: one of Debian's, unstable say, from the machine's own mirror; or
# "here", for what the machine's own sources list.  The machine's settings stay
# as they are.  Its own architecture is there too: tools come from it.
use_archive()
{
	local suite=$1 architecture=$2 folder=$CACHE/apt-$1-$2 mirror

	# shellcheck disable=SC2034	# for who sources this
	SUITE=$suite
	mkdir -p "$folder"
	: > "$folder/status"
	OWN_LISTS=(-o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache")
	APT_OPTIONS+=("${OWN_LISTS[@]}" -o "Dir::State::status=$folder/status"
		-o "APT::Architecture=$architecture"
		-o "APT::Architectures=$architecture,$(dpkg --print-architecture)")
	[ "$suite" != here ] || return 0

	# shellcheck disable=SC2016	# apt is to expand it
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk '$2 !~ /-/ { print $1; exit }')
	[ -n "$mirror" ] || die "apt names no mirror of Debian"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
		> "$folder/sources.list"
	APT_OPTIONS+=(-o "Dir::Etc::sourcelist=$folder/sources.list"
		-o Dir::Etc::sourceparts=/dev/null)
}

refresh_lists()
{
	local folder=${OWN_LISTS[1]#*=}

	say "reading the package lists"
	mkdir -p "$folder/partial" "${folder%/lists}/cache/archives/partial"
	APT_OPTIONS+=("${OWN_LISTS[@]}")
	apt-get "${APT_OPTIONS[@]}" update -q >&2
}

# depends PACKAGE - what it depends on, one package name a line
depends()
{
	apt-cache "${APT_OPTIONS[@]}" --no-all-versions show "$1" 2>/dev/null |
		sed -n 's/^Depends: //p' | tr -s ',|' '\n' | awk '{ print $1 }'
}

# download PACKAGE... - into the current folder
download()
{
	say "downloading $*"
	apt-get "${APT_OPTIONS[@]}" download -q "$@" >&2
}

# Run a function in a scratch folder beside its destination, refreshing the
# package lists and starting over if it fails, and give the folder its final
# name only when all of it is there.
#
#   into DESTINATION FUNCTION [ARG...]
into()
{
	local destination=$1
	shift

	SCRATCH=$(mktemp -d "$CACHE/unpack.XXXXXX")
	chmod 755 "$SCRATCH"
	in_scratch "$@"
	if [ "$STATUS" -ne 0 ]; then
		rm -rf "${SCRATCH:?}"/*
		refresh_lists
		in_scratch "$@"
	fi
	[ "$STATUS" -eq 0 ] || die "could not fetch $(basename "$destination")"
	mv -T "$SCRATCH" "$destination"
	SCRATCH=
}

# in_scratch FUNCTION [ARG...] - run it there until something fails; set STATUS
#
# (Not a job for the exit status: "set -e" has no effect in whatever is called
# from a condition.)
in_scratch()
{
	set +e
	(
		set -e
		trap - EXIT
		cd "$SCRATCH"
		"$@"
	)
	STATUS=$?
	set -e
}

# lock_cache [NAME] - one at a time: parallel runs would all download the same
# files; what takes minutes has a lock of its own
lock_cache()
{
	mkdir -p "$CACHE"
	exec 9>"$CACHE/${1:-lock}"
	flock 9
}
