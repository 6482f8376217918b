package crashtest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// guarded are the tables that a check answers for. Columns left out are those
// that no entry of the ledger speaks of.
var guarded = []table{
	{name: "ledger", place: "entry {seq}"},
	{name: "tree", place: "tree hash {position}"},
	{name: "organizations", place: "organization {org}", except: "default_environment verified_at"},
	{name: "releases", place: "{environment}#{number}"},
	{name: "slots", place: "{slot}"},
	{name: "environments", place: "{name}"},
	{name: "components", place: "{name}"},
	{name: "versions", place: "{component}@{number}"},
	{name: "version_files", place: "{digest}"},
	{name: "blobs", place: "{digest}"},
	{name: "quarantines", place: "{component} {digest}"},
	{name: "sealed", place: "{fingerprint}"},
	{name: "data_keys", place: "data key"},
	{name: "tokens", place: "{id}", except: "hash old_hash old_until"},
}

// table says how the report names a row, and which columns are not guarded.
type table struct{ name, place, except string }

// row is one stored row.
type row struct {
	columns []string
	values  []any
}

func (r row) place(form string) string {
	for i, c := range r.columns {
		form = strings.ReplaceAll(form, "{"+c+"}", fmt.Sprint(r.values[i]))
	}
	return form
}

// TestTamper changes one byte of one value at a time, takes a row away or adds
// one, and puts everything back.
func TestTamper(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, cfg store.Config) {
		n := open(t, cfg)
		history(t, n)
		db := raw(t, cfg)
		rapid.Check(t, func(rt *rapid.T) {
			tab := rapid.SampledFrom(guarded).Draw(rt, "table")
			was := rapid.SampledFrom(rowsOf(t, db, tab.name)).Draw(rt, "row")
			now := damage(rt, tab, was)
			from, to := &was, &now
			switch rapid.SampledFrom([]string{"change", "change", "remove", "add"}).Draw(rt, "deed") {
			case "remove":
				to = nil
			case "add":
				from = nil
			}
			if !replace(t, db, tab.name, from, to) {
				return // it would have doubled a key
			}
			report, err := n.Verify(as("alice"), sluice.VerifyRequest{})
			if !replace(t, db, tab.name, to, from) {
				t.Fatal("the change cannot be taken back")
			}
			named := func(place string) bool { return strings.Contains(report.Problem, place) }
			switch {
			case err != nil:
				rt.Errorf("%v", err)
			case report.Holds && from == nil && now.values[0] != was.values[0]:
				// A row of another organization is not this one's.
			case report.Holds:
				rt.Errorf("it holds, although %s has\n%v in place of\n%v", tab.name, to, from)
			case !named(was.place(tab.place)) && !named(now.place(tab.place)) && !named("cannot be read: "+tab.name):
				rt.Errorf("%q does not name %q", report.Problem, was.place(tab.place))
			}
		})
		holds(t, n, sluice.VerifyRequest{})
	})
}

// damage changes one byte of one column.
func damage(rt *rapid.T, tab table, r row) row {
	except := strings.Fields(tab.except)
	var open []int
	for i, c := range r.columns {
		if !slices.Contains(except, c) {
			open = append(open, i)
		}
	}
	i := rapid.SampledFrom(open).Draw(rt, "column")
	out := row{r.columns, slices.Clone(r.values)}
	switch v := r.values[i].(type) {
	case int64:
		out.values[i] = v ^ 1<<rapid.IntRange(0, 40).Draw(rt, "bit")
	case string:
		b := []byte(v + " ")
		at := rapid.IntRange(0, max(0, len(b)-2)).Draw(rt, "byte")
		if b[at]++; b[at] > '~' { // text stays text
			b[at] = '0'
		}
		out.values[i] = strings.TrimSuffix(string(b), " ")
	case []byte:
		b := append([]byte{}, v...)
		b[rapid.IntRange(0, len(b)-1).Draw(rt, "byte")] ^= 1
		out.values[i] = b
	default:
		rt.Fatalf("column %s of %s holds a %T", r.columns[i], tab.name, v)
	}
	return out
}

func rowsOf(t *testing.T, db *sql.DB, name string) []row {
	rows := must[*sql.Rows](t)(db.Query("SELECT * FROM " + name))
	defer rows.Close()
	columns := must[[]string](t)(rows.Columns())
	var out []row
	for rows.Next() {
		r := row{columns, make([]any, len(columns))}
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &r.values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(fmt.Sprint(a.values), fmt.Sprint(b.values)) })
	return out
}

// replace overwrites, adds or removes a row; false when that is refused.
func replace(t *testing.T, db *sql.DB, name string, was, now *row) bool {
	statement, args := "", []any{}
	list := func(r *row, form, between string) string {
		var parts []string
		for i, c := range r.columns {
			args = append(args, r.values[i])
			parts = append(parts, fmt.Sprintf(form, c, len(args)))
		}
		return strings.Join(parts, between)
	}
	switch {
	case was == nil:
		columns := strings.Join(now.columns, ", ")
		statement = "INSERT INTO " + name + " (" + columns + ") VALUES (" + list(now, "$%[2]d", ", ") + ")"
	case now == nil:
		statement = "DELETE FROM " + name + " WHERE " + list(was, "%s = $%d", " AND ")
	default:
		statement = "UPDATE " + name + " SET " + list(now, "%s = $%d", ", ")
		statement += " WHERE " + list(was, "%s = $%d", " AND ")
	}
	res, err := db.Exec(statement, args...)
	if err != nil {
		return false
	}
	if count := must[int64](t)(res.RowsAffected()); count != 1 {
		t.Fatalf("%d rows of %s were changed", count, name)
	}
	return true
}
