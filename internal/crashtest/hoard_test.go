package crashtest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-dev/sluice/internal/store"
)

// hoard is a set of values that must not be found, each named for the way in
// which it came.
type hoard struct {
	names   []string
	needles map[string][]string
}

// secret makes a value with letters that transports escape between two that they
// leave as they are, so that the latter are found in any text.
func (h *hoard) secret(way string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	core := func() string {
		b := make([]byte, 20)
		for i := range b {
			b[i] = letters[rand.IntN(len(letters))]
		}
		return string(b)
	}
	first, second := core(), core()
	h.add(way, first)
	h.add(way+", its end", second)
	return first + ` "<é&>/+=%\'` + "\t" + second
}

// digits is a secret that is a number to whoever reads JSON.
func (h *hoard) digits(way string, n int) string {
	out := fmt.Sprint(1 + rand.IntN(9))
	for len(out) < n {
		out += fmt.Sprint(rand.IntN(10))
	}
	h.add(way, out[:12], out[:1]+"."+out[1:12])
	return out
}

// add takes the texts that would give a secret away.
func (h *hoard) add(way string, texts ...string) {
	if h.needles == nil {
		h.needles = map[string][]string{}
	}
	h.names = append(h.names, way)
	for _, text := range texts {
		h.needles[way] = append(h.needles[way], text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))))
		for skip := range 3 {
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				h.needles[way] = append(h.needles[way], within(encoding, text, skip))
			}
		}
	}
}

// within is the part of a text's base64 that stays the same whatever stands
// around it, when so many bytes of a group of three stand before it.
func within(encoding *base64.Encoding, text string, skip int) string {
	all := encoding.EncodeToString(append(make([]byte, skip), text...))
	return all[(skip*8+5)/6 : (skip+len(text))*8/6]
}

// search fails for each secret that the data holds.
func (h *hoard) search(t *testing.T, where string, data []byte) {
	t.Helper()
	for _, name := range h.names {
		for _, needle := range h.needles[name] {
			if at := bytes.Index(data, []byte(needle)); at >= 0 {
				t.Errorf("%s holds the secret %q as %q: …%q…", where, name, needle, data[max(0, at-100):min(len(data), at+len(needle)+60)])
				break
			}
		}
	}
}

// searchFiles searches all files of a directory but some.
func (h *hoard) searchFiles(t *testing.T, dir string, except ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		for _, name := range except {
			if d.Name() == name {
				return nil
			}
		}
		data, err := os.ReadFile(path)
		if err == nil {
			h.search(t, "the file "+d.Name(), data)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// searchRows searches every value of every table, since a file may hold one in
// pieces.
func (h *hoard) searchRows(t *testing.T, cfg store.Config) {
	t.Helper()
	for table, rows := range everyRow(t, cfg) {
		var all bytes.Buffer
		for _, r := range rows {
			for _, v := range r.values {
				if b, is := v.([]byte); is {
					all.Write(b)
				} else {
					fmt.Fprint(&all, v)
				}
				all.WriteByte('\n')
			}
		}
		h.search(t, "the table "+table, all.Bytes())
	}
}

// everyRow is all that a database holds, by table.
func everyRow(t *testing.T, cfg store.Config) map[string][]row {
	t.Helper()
	db := raw(t, cfg)
	defer db.Close()
	list := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if cfg.Postgres != "" {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	rows, err := db.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	rows.Close()
	out := map[string][]row{}
	for _, name := range names {
		out[name] = rowsOf(t, db, name)
	}
	if len(out["sealed"]) == 0 || len(out["ledger"]) == 0 {
		t.Fatalf("the tables are %v", names)
	}
	return out
}

// TestWhatIsSearchedIsFound keeps the search from finding nothing because it looks
// wrongly.
func TestWhatIsSearchedIsFound(t *testing.T) {
	t.Parallel()
	var h hoard
	secret := h.secret("a")
	first := h.needles["a"][0]
	for _, text := range []string{
		secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte("x" + secret)),
		base64.StdEncoding.EncodeToString([]byte("xy" + secret + "z")), fmt.Sprintf("%q", secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
		"is " + first + "…",
	} {
		found := false
		for _, needle := range h.needles["a"] {
			found = found || strings.Contains(text, needle)
		}
		if !found {
			t.Errorf("the search does not find the secret %q in %q", secret, text)
		}
	}
}
