package gitrepo

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
)

// newSSHKey makes a key and returns the path of its private half.
func newSSHKey(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
	return path
}

// run runs a program of the system that must succeed.
func run(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// signsBySSH has a repository sign with a key and trust it as alice's.
func signsBySSH(t testing.TB, r *Repo, key string) {
	t.Helper()
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	signers := filepath.Join(t.TempDir(), "signers")
	write(t, signers, "alice@example.com "+string(public))
	set(t, r, map[string]string{"gpg.format": "ssh", "user.signingKey": key, "gpg.ssh.allowedSignersFile": signers})
}

func set(t testing.TB, r *Repo, settings map[string]string) {
	t.Helper()
	for key, value := range settings {
		git(t, r.at, "config", key, value)
	}
}

// gpgHome makes a key ring with one key for alice, without a passphrase, that
// stays valid or not.
func gpgHome(t testing.TB, options ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gpg") // the socket of its agent needs a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run(t, "gpgconf", "--homedir", dir, "--kill", "all")
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	args := append([]string{"--homedir", dir, "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase", ""}, options...)
	run(t, "gpg", append(args, "--quick-generate-key", "alice <alice@example.com>", "ed25519", "sign", "1d")...)
	return dir
}

// signsByGPG has a repository use the key ring, through a program of its own so
// that the environment of the test stays as it is.
func signsByGPG(t testing.TB, r *Repo, home string, options ...string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "gpg")
	if err := os.WriteFile(program, []byte(fmt.Sprintf("#!/bin/sh\nexec gpg --homedir '%s' %s \"$@\"\n", home, strings.Join(options, " "))), 0o700); err != nil {
		t.Fatal(err)
	}
	set(t, r, map[string]string{"gpg.program": program, "gpg.format": "openpgp", "user.signingKey": ""})
}

// nastyMessages are what a signature must not trip over.
var nastyMessages = []string{
	"bot v1.0.0\n", "no line's end", "bot v1\n\n# not a comment\n\n\ntrailing   \n\n\nEntry: x-1\n", "ümläut → \U0001F600\n",
	"-----BEGIN SSH SIGNATURE-----\nnot one\n-----END SSH SIGNATURE-----\nand more\n",
}

func TestSign(t *testing.T) {
	t.Parallel()
	ssh, ring := newSSHKey(t), gpgHome(t)
	for name, signs := range map[string]func(*Repo){
		"ssh":                         func(r *Repo) { signsBySSH(t, r, ssh) },
		"gpg":                         func(r *Repo) { signsByGPG(t, r, ring) },
		"ssh in a SHA-256 repository": func(r *Repo) { signsBySSH(t, r, ssh) },
	} {
		t.Run(name, func(t *testing.T) {
			var options []string
			if strings.Contains(name, "SHA-256") {
				options = []string{"--object-format=sha256"}
			}
			r := initRepo(t, options...)
			signs(r)
			c := commits(t, r, 2)
			by := Signature{Name: "bob", Email: "bob@example.com", When: time.Date(1971, 3, 4, 5, 6, 7, 0, time.FixedZone("", -5400))}
			refs := refsOf(t, r)
			for _, message := range nastyMessages {
				checkSignedTag(t, r, Tag{Object: c[0], Kind: "commit", Name: "components/bot/v1.0.0", Tagger: by, Message: message})
				checkSignedCommit(t, r, Commit{Tree: OID(git(t, r.at, "rev-parse", "HEAD^{tree}")), Parents: c, Author: by, Committer: by, Message: message})
			}
			if got := refsOf(t, r); fmt.Sprint(got) != fmt.Sprint(refs) {
				t.Errorf("refs: got %v, want none moved, %v", got, refs)
			}
			git(t, r.at, "fsck", "--strict", "--no-dangling")
		})
	}
}

func checkSignedTag(t *testing.T, r *Repo, tag Tag) {
	t.Helper()
	id, err := r.SignTag(t.Context(), tag)
	if err != nil {
		t.Fatalf("sign %q: %v", tag.Message, err)
	}
	raw := git(t, r.at, "cat-file", "tag", string(id)) + "\n"
	got, err := ParseTag(id, []byte(raw))
	want := tag.Encode()
	if err != nil || !got.Signed || !strings.HasPrefix(raw, string(want)) {
		t.Errorf("signed: got %q (%v), want it to begin with %q", raw, err, want)
	}
	git(t, r.at, "verify-tag", string(id))
	verdicts, err := r.VerifyTags(t.Context(), []OID{id})
	if v := verdicts[id]; err != nil || !v.Good || v.Standing != SignedWell || !strings.Contains(v.Signer, "alice@example.com") || v.Key == "" || v.Why != "" {
		t.Errorf("verdict: got %+v and %v, want it good and by alice", v, err)
	}
}

func checkSignedCommit(t *testing.T, r *Repo, c Commit) {
	t.Helper()
	id, err := r.SignCommit(t.Context(), c)
	if err != nil {
		t.Fatalf("sign %q: %v", c.Message, err)
	}
	git(t, r.at, "verify-commit", string(id))
	rd := r.Reader(t.Context())
	defer func() { _ = rd.Close() }()
	object, _, err := rd.Object(string(id))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseCommit(id, object.Bytes)
	c.ID, c.Signed = id, true
	if err != nil || !sameCommit(got, c) {
		t.Errorf("signed: got %+v (%v), want %+v", got, err, c)
	}
}

func TestSignTroubles(t *testing.T) {
	t.Parallel()
	locked := filepath.Join(t.TempDir(), "locked")
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked)
	for _, test := range []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{"no key", map[string]string{"gpg.format": "ssh"}, "user.signingkey"},
		{"a key that is not there", map[string]string{"gpg.format": "ssh", "user.signingKey": "/nowhere/key"}, "/nowhere/key"},
		{"a key under a passphrase", map[string]string{"gpg.format": "ssh", "user.signingKey": locked}, "passphrase"},
		{"no program", map[string]string{"gpg.program": "/nowhere/gpg"}, "/nowhere/gpg"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := initRepo(t)
			set(t, r, test.settings)
			c := commits(t, r, 1)
			_, tagErr := r.SignTag(t.Context(), Tag{Object: c[0], Kind: "commit", Name: "v1", Message: "v1\n"})
			_, commitErr := r.SignCommit(t.Context(), Commit{Tree: OID(git(t, r.at, "rev-parse", "HEAD^{tree}")), Message: "x\n"})
			for kind, err := range map[string]error{"tag": tagErr, "commit": commitErr} {
				e := sluice.AsError(err)
				if e == nil || e.Code != sluice.Unavailable || !strings.Contains(e.Message, "git could not sign the "+kind) || !strings.Contains(e.Message, test.want) || len(e.Fixes) == 0 {
					t.Errorf("%s: got %+v, want %s: … %q and a fix", kind, e, sluice.Unavailable, test.want)
				}
			}
		})
	}
	r := initRepo(t)
	signsBySSH(t, r, newSSHKey(t))
	c := commits(t, r, 1)
	for _, name := range []string{"-d", "a b", "", "x..y"} {
		if _, err := r.SignTag(t.Context(), Tag{Object: c[0], Kind: "commit", Name: name, Message: "v1\n"}); sluice.CodeOf(err) != sluice.Unavailable {
			t.Errorf("a tag called %q: got %v, want %s", name, err, sluice.Unavailable)
		}
	}
}

func TestQuotedPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "odd:\"name\\")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	r := opened(t, dir)
	signsBySSH(t, r, newSSHKey(t))
	c := commits(t, r, 1)
	checkSignedTag(t, r, Tag{Object: c[0], Kind: "commit", Name: "v1", Message: "v1\n"})
}
