# Keeps one PostgreSQL cluster for one test process: obeys the orders that come
# on standard input, and when that ends, stops the server and removes it.
# Arguments: the directory of PostgreSQL's programs, the directory to work in.
#
# All steps run one after the other here, so that a test process that is killed
# half-way through a start cannot leave a server that nobody knows of.
trap '' HUP INT TERM PIPE
bin=$1
dir=$2

# Text sorts by language where PostgreSQL can do that without the system's
# locales (15 and newer), by byte where it can't.
make_cluster() {
	"$bin/initdb" -D "$dir/data" -U sluice -A trust -E UTF8 --locale=C \
		--locale-provider=icu --icu-locale=en-US >"$dir/log" 2>&1 ||
		"$bin/initdb" -D "$dir/data" -U sluice -A trust -E UTF8 --locale=C >>"$dir/log" 2>&1
}

start_server() {
	"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start -o "-k '$dir' -c listen_addresses='' \
		-c max_connections=200 -c shared_buffers=16MB -c max_wal_size=256MB" >>"$dir/log" 2>&1 </dev/null
}

stop_server() {
	"$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 60 stop >>"$dir/log" 2>&1 </dev/null
}

obey() {
	case $1 in
	start) { [ -d "$dir/data" ] || make_cluster; } && start_server ;;
	crash) stop_server ;;
	*) return 1 ;;
	esac
}

while read -r order; do
	if obey "$order"; then echo "done"; else echo "failed"; fi
done

[ ! -f "$dir/data/postmaster.pid" ] || stop_server
cd / && rm -rf "$dir"
