package control

import (
	"slices"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/store"
)

// checkFiles compares the lists of files with those that were published.
func (v *verifier) checkFiles() error {
	var digest sluice.Digest
	var files []sluice.FileInfo
	end := func() error {
		if digest == "" {
			return nil
		}
		return v.contents.checkFiles(digest, files)
	}
	err := v.tx.EachFileRow(func(f store.FileRow) error {
		if f.Content != digest {
			if err := end(); err != nil {
				return err
			}
			digest, files = f.Content, files[:0]
		}
		files = append(files, f.FileInfo)
		return nil
	})
	if err == nil {
		err = end()
	}
	if err != nil {
		return err
	}
	missing := sluice.Digest("")
	for d, c := range v.contents.contents {
		if !c.seen && (missing == "" || d < missing) {
			missing = d
		}
	}
	if missing != "" {
		return brokenf("content %s of %s: its list of files is missing", missing, v.contents.who(missing))
	}
	return nil
}

func (c *contentReplay) checkFiles(digest sluice.Digest, files []sluice.FileInfo) error {
	known := c.contents[digest]
	if known == nil {
		return brokenf("content %s: files are listed for it, and no version has it", digest)
	}
	known.seen = true
	if got := sluice.DigestFiles(files); got != digest {
		return brokenf("content %s of %s: its list of files gives %s", digest, c.who(digest), got)
	}
	if filesHash(files) != known.files {
		return brokenf("content %s of %s: the sizes of its files are not those that were published", digest, c.who(digest))
	}
	return nil
}

// who is the first version that has a content.
func (c *contentReplay) who(digest sluice.Digest) string {
	v := c.contents[digest].versions[0]
	return sluice.Version{Component: v.Component, Number: int(v.Number)}.Ref()
}

// checkBlobs hashes the bytes of every file. Bytes may be missing only where all
// versions that consist of them were purged, and then they must be.
func (v *verifier) checkBlobs() error {
	err := v.tx.EachBlob(func(digest sluice.Digest, content []byte) error {
		v.report.Blobs++
		if got := sluice.DigestBytes(content); got != digest {
			return brokenf("file content %s: its bytes give %s", digest, got)
		}
		return nil
	})
	if err != nil {
		return err
	}
	missing, found, err := v.tx.MissingBlob()
	if err != nil {
		return err
	}
	if found {
		return brokenf("version %s: the content of %s (%s) is missing, and was not purged", v.contents.who(missing.Content), missing.Path, missing.Digest)
	}
	stray, err := v.tx.StrayBlob()
	if err != nil {
		return err
	}
	if stray != "" {
		return brokenf("file content %s is there, and all that consisted of it was purged or never published", stray)
	}
	return nil
}

func (v *verifier) checkQuarantines() error {
	stored, err := v.tx.QuarantineRows()
	if err != nil {
		return err
	}
	for _, q := range stored {
		want, known := v.contents.quarantines[barred{q.Component, q.Digest}]
		if !known {
			return brokenf("quarantine of %s %s: the ledger does not know it", q.Component, q.Digest)
		}
		if err := differs("quarantine of "+q.Component+" "+string(q.Digest),
			column{"reason", q.Reason, want.Reason}, column{"actor", q.By, want.By}, column{"time", q.At, want.At}); err != nil {
			return err
		}
		delete(v.contents.quarantines, barred{q.Component, q.Digest})
	}
	for key := range v.contents.quarantines {
		return brokenf("quarantine of %s %s is missing; the ledger set it and nobody lifted it", key.component, key.digest)
	}
	return nil
}

// checkTokens compares what each token may do with the ledger. Hashes of secrets
// are not in the ledger, so a replaced secret is not found here.
func (v *verifier) checkTokens() error {
	stored, err := v.tx.Tokens()
	if err != nil {
		return err
	}
	for _, t := range stored {
		want, known := v.tokens[t.ID]
		if !known {
			return brokenf("token %s: the ledger does not know it", t.ID)
		}
		if !slices.Equal(t.Roles, want.Roles) || !slices.Equal(t.Environments, want.Environments) {
			return brokenf("token %s: it has the roles %v in %v, the ledger says %v in %v", t.ID, t.Roles, t.Environments, want.Roles, want.Environments)
		}
		if err := differs("token "+t.ID,
			column{"name", t.Name, want.Name}, column{"time of creation", t.CreatedAt, want.CreatedAt}, column{"creator", t.CreatedBy, want.CreatedBy},
			column{"expiry", t.ExpiresAt, want.ExpiresAt}, column{"revocation", t.RevokedAt, want.RevokedAt}); err != nil {
			return err
		}
		delete(v.tokens, t.ID)
	}
	for id := range v.tokens {
		return brokenf("token %s is missing; the ledger created it", id)
	}
	return nil
}
