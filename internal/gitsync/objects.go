package gitsync

import (
	"context"

	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// looseAtMost is how many objects are written one by one, which starts no process.
// More are written as one pack.
const looseAtMost = 200

// objects are those that are made before any is written, so that many can be
// written at once. Their ids are known when they are put.
type objects struct {
	repo *gitrepo.Repo
	list []gitrepo.NewObject
	seen map[gitrepo.OID]bool
}

func (o *objects) put(kind string, content []byte) gitrepo.OID {
	id := o.repo.Hash(kind, content)
	if o.seen == nil {
		o.seen = map[gitrepo.OID]bool{}
	}
	if !o.seen[id] {
		o.seen[id] = true
		o.list = append(o.list, gitrepo.NewObject{ID: id, Kind: kind, Content: content})
	}
	return id
}

// Put is put, for a [gitrepo.Tree].
func (o *objects) Put(kind string, content []byte) (gitrepo.OID, error) {
	return o.put(kind, content), nil
}

// write writes what was put since the last time.
func (o *objects) write(ctx context.Context) error {
	if len(o.list) > looseAtMost {
		if err := o.repo.PutPack(ctx, o.list); err != nil {
			return err
		}
	} else {
		for _, made := range o.list {
			if _, err := o.repo.Put(made.Kind, made.Content); err != nil {
				return err
			}
		}
	}
	o.list = nil
	return nil
}
