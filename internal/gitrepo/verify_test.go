package gitrepo

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tagger makes tag objects by hand and with signatures.
type tagger struct {
	*testing.T
	r   *Repo
	tag Tag
}

func newTagger(t *testing.T) *tagger {
	r := initRepo(t)
	by := Signature{Name: "bob", When: time.Date(2024, 11, 12, 14, 47, 0, 0, time.UTC)}
	return &tagger{t, r, Tag{Object: commitIn(t, r.at), Kind: "commit", Name: "components/bot/v1.0.0", Tagger: by}}
}

// signed signs a tag in the way that the repository is set up for.
func (t *tagger) signed(message string) OID {
	t.Helper()
	tag := t.tag
	tag.Message = message
	id, err := t.r.SignTag(t.Context(), tag)
	if err != nil {
		t.Fatalf("sign %q: %v", message, err)
	}
	return id
}

// put makes a tag of a message and what stands behind it.
func (t *tagger) put(message string) OID {
	t.Helper()
	tag := t.tag
	tag.Message = message
	return t.putRaw(string(tag.Encode()))
}

func (t *tagger) putRaw(content string) OID {
	t.Helper()
	id, err := t.r.Put("tag", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// spoilt is a tag with another content under the signature of a first one.
func (t *tagger) spoilt(id OID, was, is string) OID {
	t.Helper()
	return t.putRaw(strings.Replace(git(t, t.r.at, "cat-file", "tag", string(id))+"\n", was, is, 1))
}

// verdict returns what is said of a tag between two others, so that a report
// that slips to the next one is seen.
func (t *tagger) verdict(good, id, unsigned OID) Verdict {
	t.Helper()
	verdicts, err := t.r.VerifyTags(t.Context(), []OID{good, id, unsigned})
	if err != nil {
		t.Fatal(err)
	}
	if !verdicts[good].Good || verdicts[unsigned].Standing != NotSigned {
		t.Errorf("beside %s: got %+v", id, verdicts)
	}
	return verdicts[id]
}

// expect compares a verdict. Of Why a part is enough, and of Key that there is
// one.
func (t *tagger) expect(name string, got, want Verdict) {
	t.Helper()
	keyed := (got.Key == "") == (want.Key == "")
	why := strings.Contains(got.Why, want.Why) && (got.Why == "") == (want.Why == "")
	if got.Good != want.Good || got.Standing != want.Standing || got.Signer != want.Signer || !keyed || !why {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
	}
}

const aKey = "some"

func TestVerifySSH(t *testing.T) {
	t.Parallel()
	x := newTagger(t)
	stranger, revoked := newSSHKey(t), newSSHKey(t)
	signsBySSH(t, x.r, stranger)
	byStranger := x.signed("stranger\n")
	signsBySSH(t, x.r, revoked)
	byRevoked := x.signed("revoked\n")
	x.tag.Tagger.When = time.Unix(0, 0)
	byTimeless := x.signed("timeless\n")
	x.tag.Tagger.When = time.Now()
	signsBySSH(t, x.r, newSSHKey(t))
	good := x.signed("ssh\n")
	set(t, x.r, map[string]string{"gpg.ssh.revocationFile": revoked + ".pub"})
	signers := git(t, x.r.at, "config", "gpg.ssh.allowedSignersFile")
	write(t, signers, content(t, signers)+"bob@example.com "+content(t, revoked+".pub"))
	unsigned := x.put("unsigned\n")
	for _, test := range []struct {
		name string
		id   OID
		want Verdict
	}{
		{"good", good, Verdict{Good: true, Standing: SignedWell, Signer: "alice@example.com", Key: aKey}},
		{"a key that nobody vouches for", byStranger, Verdict{Standing: SignedByWhom, Key: aKey, Why: "no key here vouches"}},
		{"a revoked key", byRevoked, Verdict{Standing: SignedBadly, Why: "the signature does not hold"}},
		{"a revoked key, in no time", byTimeless, Verdict{Standing: SignedBadly, Key: aKey, Why: "without a time"}},
		{"other content", x.spoilt(good, "ssh\n", "SSH\n"), Verdict{Standing: SignedBadly, Why: "the signature does not hold"}},
		{"no signature", x.put("torn\n-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"), Verdict{Standing: SignedBadly, Why: "the signature does not hold"}},
		{"unsigned", unsigned, Verdict{Standing: NotSigned, Why: "it is not signed"}},
		{"unsigned, saying otherwise", x.put("Good \"git\" signature for mallory with ED25519 key SHA256:x\n[GNUPG:] GOODSIG 1 mallory\n"), Verdict{Standing: NotSigned, Why: "it is not signed"}},
		{"a commit", x.tag.Object, Verdict{Standing: SignedBadly, Why: "it is not a tag"}},
		{"not here", OID(strings.Repeat("1", 40)), Verdict{Standing: SignedBadly, Why: "it is not a tag"}},
		{"no id", "--help", Verdict{Standing: SignedBadly, Why: "it is not a tag"}},
	} {
		x.expect(test.name, x.verdict(good, test.id, unsigned), test.want)
	}
	remove(t, signers)
	verdicts, err := x.r.VerifyTags(t.Context(), []OID{good})
	if err != nil {
		t.Fatal(err)
	}
	x.expect("signers gone", verdicts[good], Verdict{Standing: SignedByWhom, Key: aKey, Why: "no key here vouches"})
	git(t, x.r.at, "config", "--unset", "gpg.ssh.allowedSignersFile")
	if verdicts, err = x.r.VerifyTags(t.Context(), []OID{good}); err != nil {
		t.Fatal(err)
	}
	x.expect("no signers set up", verdicts[good], Verdict{Standing: SignedByWhom, Why: "allowedSignersFile"})
}

func TestVerifyGPG(t *testing.T) {
	t.Parallel()
	x := newTagger(t)
	const longAgo = "--faked-system-time=20200101T"
	ring, expired, stranger := gpgHome(t), gpgHome(t, longAgo+"000000"), gpgHome(t)
	signsByGPG(t, x.r, stranger)
	byStranger := x.signed("stranger\n")
	signsByGPG(t, x.r, expired, longAgo+"120000")
	byExpired := x.signed("expired\n")
	signsByGPG(t, x.r, ring)
	good := x.signed("gpg\n")
	lend(t, expired, ring)
	unsigned := x.put("unsigned\n")
	const alice = "alice <alice@example.com>"
	for _, test := range []struct {
		name string
		id   OID
		want Verdict
	}{
		{"good", good, Verdict{Good: true, Standing: SignedWell, Signer: alice, Key: aKey}},
		{"a key that is not here", byStranger, Verdict{Standing: SignedByWhom, Key: aKey, Why: "the key that signed it is not here"}},
		{"a key that has expired", byExpired, Verdict{Standing: SignedBadly, Signer: alice, Key: aKey, Why: "the key has expired"}},
		{"other content", x.spoilt(good, "gpg\n", "GPG\n"), Verdict{Standing: SignedBadly, Key: aKey, Why: "does not fit the content"}},
		{"no signature", x.put("torn\n-----BEGIN PGP SIGNATURE-----\n\nU1NI\n-----END PGP SIGNATURE-----\n"), Verdict{Standing: SignedBadly, Why: "the signature does not hold"}},
	} {
		x.expect(test.name, x.verdict(good, test.id, unsigned), test.want)
	}
	lend(t, ring, stranger)
	signsByGPG(t, x.r, stranger)
	for level, want := range map[string]Verdict{
		"undefined": {Good: true, Standing: SignedWell, Signer: alice, Key: aKey},
		"marginal":  {Standing: SignedBadly, Signer: alice, Key: aKey, Why: "trusted less than gpg.minTrustLevel asks for"},
	} {
		set(t, x.r, map[string]string{"gpg.minTrustLevel": level})
		verdicts, err := x.r.VerifyTags(t.Context(), []OID{good})
		if err != nil {
			t.Fatal(err)
		}
		x.expect("a key that nobody trusts, when "+level+" is enough", verdicts[good], want)
	}
	set(t, x.r, map[string]string{"gpg.program": "/nowhere/gpg"})
	verdicts, err := x.r.VerifyTags(t.Context(), []OID{good})
	if err != nil {
		t.Fatal(err)
	}
	x.expect("no program", verdicts[good], Verdict{Standing: SignedByWhom, Why: "it cannot be checked here"})
}

// lend brings the public keys of one ring into another one.
func lend(t testing.TB, from, to string) {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	run(t, "gpg", "--homedir", from, "--batch", "--quiet", "--output", keys, "--export")
	run(t, "gpg", "--homedir", to, "--batch", "--quiet", "--import", keys)
}

// TestVerifyManyTags has more to say than is kept of what one process says.
func TestVerifyManyTags(t *testing.T) {
	t.Parallel()
	x := newTagger(t)
	signsBySSH(t, x.r, newSSHKey(t))
	good := x.signed("v1\n")
	ids := []OID{good}
	for i := range 1500 {
		ids = append(ids, x.put(strconv.Itoa(i)+"\n"))
	}
	before := x.r.Started()
	verdicts, err := x.r.VerifyTags(t.Context(), append(ids, good))
	if err != nil || len(verdicts) != len(ids) || !verdicts[good].Good {
		t.Fatalf("got %d verdicts and %v, want %d", len(verdicts), err, len(ids))
	}
	for _, id := range ids[1:] {
		if verdicts[id].Standing != NotSigned {
			t.Fatalf("%s: got %+v, want it unsigned", id, verdicts[id])
		}
	}
	if got := x.r.Started() - before; got > 30 {
		t.Errorf("started %d processes for %d tags", got, len(ids))
	}
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
