#!/usr/bin/env bash
# Installs what the tests need besides Go, and does nothing when it is there:
#   PostgreSQL  one of the two storage engines; tests start clusters of their own
#   PgBouncer   stands before them in some tests, as it does in production
#   gcc         the race detector is built with cgo
#   git         tests of repositories and tags run the real one
#   ssh-keygen  tags are signed with SSH keys, of openssh-client
#   gpg         and with OpenPGP keys, of gnupg
#   jq          story tests pipe answers to the real one, as users do
#   curl        the documented calls are made with it
#   strace      the crash test reads the order of writes and syncs
#   grpcurl     the documented call is made with the program that is documented
# It installs the rest through apt, with sudo when not root. On other systems it names
# what is missing and fails.
set -euo pipefail

# Pinned in tools/go.mod; the test builds it again, from Go's cache.
go -C "$(dirname "$0")/../tools" build -o /dev/null github.com/fullstorydev/grpcurl/cmd/grpcurl

have_postgres() {
	local dir
	for dir in "$(dirname "$(readlink -f "$(command -v postgres || echo /missing/postgres)")")" \
		/usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && return 0
	done
	return 1
}

missing=()
have_postgres || missing+=(postgresql)
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
for tool in git jq curl strace; do
	command -v "$tool" >/dev/null || missing+=("$tool")
done
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
command -v gpg >/dev/null && command -v gpg-agent >/dev/null || missing+=(gnupg)
[ ${#missing[@]} -gt 0 ] || exit 0

fail() {
	echo "setup-tests: $1" >&2
	echo "setup-tests: install these yourself, then run this again: ${missing[*]}" >&2
	exit 1
}

command -v apt-get >/dev/null || fail "this system has no apt-get"
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "installing needs root, and there is no sudo"
	sudo -n true 2>/dev/null || [ -t 0 ] || fail "installing needs root, and sudo would ask for a password"
	as_root=(sudo "${as_root[@]}")
fi

apt() {
	"${as_root[@]}" apt-get "$@" </dev/null || fail "apt-get could not $1"
}

echo "setup-tests: installing ${missing[*]}" >&2
apt update
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
	# Debian's package starts a server at once and at every boot. The tests
	# start their own, so a machine that had none before gets none from here.
	apt install -y --no-install-recommends postgresql-common
	"${as_root[@]}" sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' \
		/etc/postgresql-common/createcluster.conf
fi
if [[ " ${missing[*]} " == *" pgbouncer "* ]]; then
	# This package starts a service too, and has no setting against it: it is kept
	# from starting while it is installed, and from every boot afterwards.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap '"${as_root[@]}" rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
		"${as_root[@]}" chmod 755 $policy
	fi
	apt install -y --no-install-recommends pgbouncer
	"${as_root[@]}" systemctl disable pgbouncer.service 2>/dev/null || true # where there is no systemd
	"${as_root[@]}" update-rc.d pgbouncer disable
fi
apt install -y --no-install-recommends "${missing[@]}"
