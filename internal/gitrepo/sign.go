package gitrepo

import (
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-dev/sluice"
)

// SignTag writes a tag as an object that Git has signed with the user's key, in
// the way and with the program that Git is set up for. No ref is made or moved.
// The tagger's name may lose what Git does not want at its ends, such as a full
// stop. It costs one process, and another one or two of the signing program,
// which may ask the user for a password where Git would. [sluice.Unavailable]
// when it cannot be signed.
func (r *Repo) SignTag(ctx context.Context, tag Tag) (OID, error) {
	key, err := r.keyOption(ctx)
	if err != nil {
		return "", err
	}
	// Git makes the object and wants to set a ref. Told that the objects are in
	// quarantine, it makes the object apart and refuses to touch refs.
	args := []string{"tag", "--sign", "--force", "--cleanup=verbatim", "--file=-"}
	if key != "" {
		args = append(args, "--local-user="+key)
	}
	message := withoutNull(tag.Message)
	if !strings.HasSuffix(message, "\n") {
		message += "\n" // the signature begins a line
	}
	args = append(args, "--", oneLineText(tag.Name), string(tag.Object))
	raw, err := r.signed(ctx, "tag", process{args: args, stdin: []byte(message), env: identity("COMMITTER", tag.Tagger)})
	if err != nil {
		return "", err
	}
	got, err := ParseTag("", raw)
	if err != nil {
		return "", err
	}
	if got.Object != tag.Object || got.Kind != tag.Kind || got.Name != text([]byte(oneLineText(tag.Name))) || got.Message != text([]byte(message)) {
		return "", sluice.Errorf(sluice.Unavailable, "Git made another tag than %s when it was to sign it", tag.Name).
			Fix("see that `git tag --sign` works as it should with the hooks and settings here")
	}
	return r.Put("tag", raw)
}

// SignCommit writes a commit as [Repo.SignTag] writes a tag.
func (r *Repo) SignCommit(ctx context.Context, commit Commit) (OID, error) {
	key, err := r.keyOption(ctx)
	if err != nil {
		return "", err
	}
	args := []string{"-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-S" + key, "-F", "-"}
	for _, parent := range commit.Parents {
		args = append(args, "-p", string(parent))
	}
	args = append(args, string(commit.Tree))
	env := append(identity("AUTHOR", commit.Author), identity("COMMITTER", commit.Committer)...)
	raw, err := r.signed(ctx, "commit", process{args: args, stdin: []byte(withoutNull(commit.Message)), env: env})
	if err != nil {
		return "", err
	}
	got, err := ParseCommit("", raw)
	if err != nil {
		return "", err
	}
	if got.Tree != commit.Tree || fmt.Sprint(got.Parents) != fmt.Sprint(commit.Parents) || got.Message != text([]byte(withoutNull(commit.Message))) {
		return "", sluice.Errorf(sluice.Unavailable, "Git made another commit than it was to sign").
			Fix("see that `git commit-tree -S` works as it should with the settings here")
	}
	return r.Put("commit", raw)
}

// keyOption returns the key to name, where Git would otherwise look for one by
// the committer: that is whoever acts, who need not be the one whose key is here.
func (r *Repo) keyOption(ctx context.Context) (string, error) {
	s, err := r.Settings(ctx)
	if err != nil || s.SigningKey != "" || s.Format == "ssh" || s.UserEmail == "" {
		return "", err
	}
	return strings.TrimSpace(s.UserName + " <" + s.UserEmail + ">"), nil
}

// identity is how Git is told who acts, and when.
func identity(role string, s Signature) []string {
	s = s.Clean()
	prefix := "GIT_" + role
	return []string{
		prefix + "_NAME=" + s.Name, prefix + "_EMAIL=" + s.Email,
		fmt.Sprintf("%s_DATE=@%d %s", prefix, s.When.Unix(), s.When.Format("-0700")),
	}
}

// signed runs a process that makes one object of a kind, with a directory of its
// own to put it in, and returns the content.
func (r *Repo) signed(ctx context.Context, kind string, p process) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sluice-sign-*")
	if err != nil {
		return nil, sluice.Errorf(sluice.Unavailable, "there is no room to sign a %s in: %w", kind, err).Fix("see that %s can be written to", os.TempDir())
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p.env = append(p.env, "GIT_QUARANTINE_PATH="+dir, "GIT_OBJECT_DIRECTORY="+dir, "GIT_ALTERNATE_OBJECT_DIRECTORIES="+quotedPath(filepath.Join(r.Common, "objects")))
	_, err = r.run(ctx, p)
	raw, readErr := onlyObject(dir, kind)
	var failure *Failure
	switch {
	case readErr == nil && isSigned(kind, raw):
		return raw, nil // when git complains, then that it may not touch refs
	case errors.As(err, &failure):
		// Some versions of git make a tag without a signature when ssh-keygen
		// cannot sign it.
		said := strings.ReplaceAll(failure.Stderr, "fatal: ref updates forbidden inside quarantine environment", "")
		return nil, sluice.Errorf(sluice.Unavailable, "git could not sign the %s: %s", kind, lastWords(said)).
			Fix("see that `git config user.signingKey` names a key that is here").
			Fix("when the key has a passphrase, let an agent hold it, since nobody is asked for it at the terminal").Because(err)
	case err != nil:
		return nil, err
	case readErr != nil:
		return nil, readErr
	}
	return nil, sluice.Errorf(sluice.Unavailable, "git made a %s without a signature", kind).Fix("see that `git config gpg.format` and gpg.program name what can sign")
}

// isSigned reports whether what was made has a signature.
func isSigned(kind string, raw []byte) bool {
	if kind == "tag" {
		tag, err := ParseTag("", raw)
		return err == nil && tag.Signed
	}
	commit, err := ParseCommit("", raw)
	return err == nil && commit.Signed
}

// quotedPath writes a path for a list of paths, where a colon would end it.
func quotedPath(path string) string {
	if !strings.ContainsAny(path, ":;\"\\\n") {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

// onlyObject reads the one loose object that a directory holds.
func onlyObject(dir, kind string) ([]byte, error) {
	found, err := filepath.Glob(filepath.Join(dir, "??", "*"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%d objects were made, not one (%w)", len(found), errors.Join(err, os.ErrNotExist))
	}
	file, err := os.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	inflated, err := zlib.NewReader(file)
	if err != nil {
		return nil, err
	}
	const most = 16 << 20
	content, err := io.ReadAll(io.LimitReader(inflated, most))
	if err != nil {
		return nil, err
	}
	head, raw, _ := strings.Cut(string(content), "\x00")
	if head != fmt.Sprintf("%s %d", kind, len(raw)) {
		return nil, fmt.Errorf("a %s was to be made, not %q", kind, head)
	}
	return []byte(raw), nil
}
