package gitrepo

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	noon  = time.Date(2024, 11, 12, 12, 0, 0, 0, time.UTC)
	alice = Signature{"alice", "alice@example.com", noon}
	bob   = Signature{"bob", "bob", noon.In(time.FixedZone("", -(5*60+30)*60))}
)

// signatures are names that people have and that attackers would like to.
var signatures = []Signature{
	alice, bob,
	{},
	{"", "carol@example.com", noon},
	{"Zoë 日本 🙂", "", noon},
	{"mallory <root@example.com> 1 +0000\nparent 1", "x>\n\ny", noon},
	{"\x00\x01\xff\u0085", " <> ", noon.Add(-100 * 365 * 24 * time.Hour)},
	{"late", "late", time.Date(40000, 1, 1, 0, 0, 0, 0, time.UTC)},
	{"half", "a b", noon.Add(123456 * time.Microsecond).In(time.FixedZone("odd", 14*3600+59))},
}

// TestEncodeSatisfiesGit has git check every commit and tag that can be made of
// odd names and messages, and compares what git prints with what is parsed.
func TestEncodeSatisfiesGit(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t, format)
			tree, err := r.PutTree(nil)
			if err != nil {
				t.Fatal(err)
			}
			parent := putCommit(t, r, Commit{Tree: tree, Author: alice, Committer: alice, Message: "first\n"})
			for i, by := range signatures {
				c := Commit{Tree: tree, Parents: []OID{parent}, Author: by, Committer: bob, Message: nasty[i]}
				id := putCommit(t, r, c)
				if want := OID(gitWith(t, r.Top, c.Encode(), "hash-object", "-t", "commit", "-w", "--stdin")); id != want {
					t.Errorf("%v: got %s, want %s", by, id, want)
				}
				got, err := ParseCommit(id, c.Encode())
				if err != nil {
					t.Fatal(err)
				}
				c.ID, c.Author = id, by.Clean()
				if !sameCommit(got, c) {
					t.Errorf("parsed: got %+v, want %+v", got, c)
				}
				seen := strings.Split(git(t, r.Top, "log", "-1", "--format=%an%x00%ae%x00%at%x00%P%x00%T", string(id)), "\x00")
				want := []string{got.Author.Name, got.Author.Email, strconv.FormatInt(got.Author.When.Unix(), 10), string(parent), string(tree)}
				if !reflect.DeepEqual(seen, want) {
					t.Errorf("git reads %q, want %q", seen, want)
				}
				checkTag(t, r, Tag{Object: id, Kind: "commit", Name: "components/bot/v1", Tagger: by, Message: nasty[i]})
			}
			git(t, r.Top, "fsck", "--strict", "--no-dangling")
		})
	}
}

func putCommit(t testing.TB, r *Repo, c Commit) OID {
	t.Helper()
	id, err := r.Put("commit", c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// checkTag compares what is put with what `git mktag` makes of it and with what
// is parsed.
func checkTag(t *testing.T, r *Repo, tag Tag) {
	t.Helper()
	id, err := r.Put("tag", tag.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if want := OID(gitWith(t, r.Top, tag.Encode(), "mktag", "--strict")); id != want {
		t.Errorf("tag by %v: got %s, want %s", tag.Tagger, id, want)
	}
	got, err := ParseTag(id, tag.Encode())
	if err != nil {
		t.Fatal(err)
	}
	tag.ID, tag.Tagger = id, tag.Tagger.Clean()
	if !got.Tagger.When.Equal(tag.Tagger.When) {
		t.Errorf("tagged at %s, want %s", got.Tagger.When, tag.Tagger.When)
	}
	got.Tagger.When = tag.Tagger.When
	if got != tag {
		t.Errorf("parsed: got %+v, want %+v", got, tag)
	}
}

// sameCommit compares times as moments.
func sameCommit(a, b Commit) bool {
	same := a.Author.When.Equal(b.Author.When) && a.Committer.When.Equal(b.Committer.When)
	a.Author.When, a.Committer.When = b.Author.When, b.Committer.When
	return same && reflect.DeepEqual(a, b)
}

func TestSignatureString(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Signature{
		"alice <alice@example.com> 1731412800 +0000":                       alice,
		"bob <bob> 1731412800 -0530":                                       bob,
		"unknown <> 0 +0000":                                               {},
		"mallory root@example.com 1 +0000 parent 1 <x y> 1731412800 +0000": signatures[5],
		"late <late> 253402300799 +0000":                                   signatures[7],
		"carol@example.com <carol@example.com> 1731412800 +0000":           signatures[3],
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if again := s.Clean(); again.Clean() != again {
			t.Errorf("cleaned twice: got %+v, want %+v", again.Clean(), again)
		}
	}
}

func TestParseSignatureForgives(t *testing.T) {
	t.Parallel()
	epoch := time.Unix(0, 0)
	for value, want := range map[string]Signature{
		"":                            {"", "", epoch},
		"alice":                       {"alice", "", epoch},
		"alice <a>":                   {"alice", "a", epoch},
		"alice <a> soon":              {"alice", "a", epoch},
		"alice <a> -5 +0000":          {"alice", "a", epoch},
		"alice <a> 99999999999999999": {"alice", "a", epoch},
		"alice <a> 5 +9999":           {"alice", "a", time.Unix(5, 0)},
		"alice <a> 5 EST":             {"alice", "a", time.Unix(5, 0)},
		"al<i>ce <a> 5 +0100":         {"al", "i", time.Unix(5, 0)},
	} {
		got := parseSignature(value)
		if got.Name != want.Name || got.Email != want.Email || !got.When.Equal(want.When) {
			t.Errorf("%q: got %+v, want %+v", value, got, want)
		}
	}
}

const id1 = "1111111111111111111111111111111111111111"

func TestParseSignedObjects(t *testing.T) {
	t.Parallel()
	c, err := ParseCommit("", []byte("tree "+id1+"\nparent "+id1+"\nauthor alice <a> 1 +0000\ncommitter bob <b> 2 +0000\ngpgsig -----BEGIN SSH SIGNATURE-----\n author x\n -----END SSH SIGNATURE-----\nencoding UTF-8\n\nsubject\n\nbody\n"))
	if err != nil || !c.Signed || c.Message != "subject\n\nbody\n" || c.Author.Name != "alice" || c.Committer.Name != "bob" || len(c.Parents) != 1 {
		t.Errorf("signed commit: got %+v and %v", c, err)
	}
	head := "object " + id1 + "\ntype commit\ntag x\ntagger bob <b> 2 +0000\n\n"
	for _, test := range []struct {
		text, want string
		signed     bool
	}{
		{"m\n", "m\n", false},
		{"m\n-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n", "m\n", true},
		{"m\n-----BEGIN SSH SIGNATURE-----\nabc", "m\n", true},
		{"m\n-----BEGIN SIGNED MESSAGE-----\nabc", "m\n", true},
		{"m\n-----BEGIN PGP SIGNATURE-----\nfake\n-----BEGIN PGP SIGNATURE-----\n", "m\n-----BEGIN PGP SIGNATURE-----\nfake\n", true},
		{"m\n -----BEGIN PGP SIGNATURE-----\n", "m\n -----BEGIN PGP SIGNATURE-----\n", false},
		{"-----BEGIN PGP SIGNATURE-----", "", true},
	} {
		tag, err := ParseTag("", []byte(head+test.text))
		if err != nil || tag.Message != test.want || tag.Signed != test.signed {
			t.Errorf("%q: got %q, signed %t, and %v, want %q and %t", test.text, tag.Message, tag.Signed, err, test.want, test.signed)
		}
	}
}

func TestParseRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "\n\nmessage", "tree xyz\n\n", "author alice <a> 1 +0000\n\n", "nonsense", "object " + id1, "object " + id1 + "\ntype lie\n\n"} {
		if c, err := ParseCommit("", []byte(raw)); err == nil {
			t.Errorf("commit %q: got %+v, want an error", raw, c)
		}
		if tag, err := ParseTag("", []byte(raw)); err == nil {
			t.Errorf("tag %q: got %+v, want an error", raw, tag)
		}
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add(Commit{Tree: id1, Parents: []OID{id1}, Author: alice, Committer: bob, Message: "m"}.Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCommit("", raw)
		if err != nil {
			return
		}
		again, err := ParseCommit("", c.Encode())
		c.Signed, c.Author, c.Committer = false, c.Author.Clean(), c.Committer.Clean()
		if err != nil || !sameCommit(again, c) {
			t.Errorf("got %+v and %v, want %+v", again, err, c)
		}
	})
}

func FuzzParseTag(f *testing.F) {
	f.Add(Tag{Object: id1, Kind: "commit", Name: "x", Tagger: alice, Message: "m\n"}.Encode())
	f.Add([]byte("object " + id1 + "\ntype tag\ntag x\n\n-----BEGIN PGP SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		tag, err := ParseTag("", raw)
		if err != nil {
			return
		}
		again, err := ParseTag("", tag.Encode())
		if err != nil || again.Object != tag.Object || again.Kind != tag.Kind {
			t.Errorf("got %+v and %v, want %+v", again, err, tag)
		}
	})
}
