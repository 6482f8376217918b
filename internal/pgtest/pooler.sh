# Runs PgBouncer until its standard input ends, which it does with the test process.
# Arguments: the program, its directory.
"$1" "$2/pgbouncer.ini" </dev/null >"$2/log" 2>&1 &
pooler=$!
until [ -S "$2/.s.PGSQL.6432" ]; do
	kill -0 $pooler 2>/dev/null || { echo failed; exit 1; }
done
echo started
while read -r _; do :; done
kill -TERM $pooler # at once, whoever is connected
wait $pooler
rm -rf "$2"
