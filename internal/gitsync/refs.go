package gitsync

import (
	"context"
	"strings"

	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// refs are Sluice's refs of a repository at one moment: its own, and what the
// remote had at the last look, under the names that they have there.
type refs struct {
	local, remote map[string]gitrepo.Ref
	branches      map[string]gitrepo.OID // of remotes, by the name of branchRef
}

// branchRef is where what a remote has under the branch that each push moves is
// remembered.
func branchRef(remote gitrepo.Remote, branch string) string {
	return RemotePrefix(remote) + "branches/" + branch
}

func (r *refs) branch(remote gitrepo.Remote, branch string) gitrepo.OID {
	return r.branches[branchRef(remote, branch)]
}

// look reads all refs with one process.
func (b *Bridge) look(ctx context.Context) (*refs, error) {
	list, err := b.repo.Refs(ctx, TagsPrefix, "refs/sluice/")
	if err != nil {
		return nil, err
	}
	out := &refs{local: map[string]gitrepo.Ref{}, remote: map[string]gitrepo.Ref{}, branches: map[string]gitrepo.OID{}}
	for _, r := range list {
		if !strings.HasPrefix(r.Name, RemotesPrefix) {
			out.local[r.Name] = r
			continue
		}
		if name, ok := LocalRef(b.cfg.Remote, r.Name); ok && b.cfg.Remote != "" {
			r.Name = name
			out.remote[name] = r
			continue
		}
		out.branches[r.Name] = r.ID
	}
	return out, nil
}

// set is a ref that was moved. What it peels to is not known then.
func (r *refs) set(name string, to gitrepo.OID) {
	if to == "" {
		delete(r.local, name)
		return
	}
	r.local[name] = gitrepo.Ref{Name: name, ID: to}
}

func isTag(ref string) bool { return strings.HasPrefix(ref, TagsPrefix) }

// all are the refs, looked up once.
func (x *exporter) all() (*refs, error) {
	if x.refs == nil {
		var err error
		if x.refs, err = x.b.look(x.ctx); err != nil {
			return nil, err
		}
	}
	return x.refs, nil
}
