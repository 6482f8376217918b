package gitsync

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// SyncOptions say how a sync treats what was done apart.
type SyncOptions struct {
	Offline bool // look at what is in the repository, and not at the remote
	Rebase  bool // append what was released here after what others released
	Theirs  bool // let what others released stand, and supersede what was released here
	Again   bool // look again at what was refused before, which may be taken in since
}

// Synced says what a sync brought in.
type Synced struct {
	Versions   int              `json:"versions"`             // that were not known here
	Recorded   []sluice.Release `json:"recorded"`             // that others made, in their order
	Rebased    []sluice.Release `json:"rebased,omitempty"`    // that were made here and appended again
	Superseded []string         `json:"superseded,omitempty"` // releases here whose place others took
	Refused    []Refusal        `json:"refused,omitempty"`    // what could not be taken in
	PutBack    []string         `json:"put_back,omitempty"`   // tags and histories that were missing here, or not where they were left
	Notes      []string         `json:"notes,omitempty"`
	Refs       []string         `json:"refs"`              // all that were moved here, sorted
	ByHand     []string         `json:"by_hand,omitempty"` // tags that were moved with plain Git, and left as they are
	Remote     time.Duration    `json:"-"`                 // how long the remote took
}

// Refusal is a ref that was not taken in, and why.
type Refusal struct {
	Ref    string          `json:"ref"`
	Reason string          `json:"reason"`
	Fixes  []sluice.Advice `json:"fixes,omitempty"` // what to do next
	Actor  string          `json:"actor,omitempty"`
	Commit string          `json:"commit,omitempty"` // what it points at
}

func refusal(ref gitrepo.Ref, actor string, err error) Refusal {
	known := sluice.AsError(err)
	return Refusal{Ref: ref.Name, Reason: known.Message, Fixes: known.Fixes, Actor: actor, Commit: string(ref.Peeled)}
}

// Sync brings in what others did: versions, releases, and tags that were moved by
// hand. Conflict, a [*Divergence], when both sides released to one environment
// apart and the options do not say what to do; then nothing was changed.
func (b *Bridge) Sync(ctx context.Context, o SyncOptions) (out Synced, err error) {
	err = b.exclusive(ctx, func() (err error) {
		out, err = b.sync(ctx, o)
		return err
	})
	return out, err
}

func (b *Bridge) sync(ctx context.Context, o SyncOptions) (Synced, error) {
	s := &syncer{b: b, ctx: ctx, o: o, reader: b.repo.Reader(ctx), manifests: map[gitrepo.OID][]byte{}}
	defer s.reader.Close()
	if b.cfg.Remote != "" && !o.Offline {
		began := time.Now()
		err := b.repo.Fetch(ctx, b.cfg.Remote, true, b.specs()...)
		s.out.Remote = time.Since(began)
		if err != nil {
			return s.out, err
		}
	}
	var err error
	if s.refs, err = b.look(ctx); err != nil {
		return s.out, err
	}
	if err := s.installation(); err != nil {
		return s.out, err
	}
	if err := s.releases(); err != nil {
		return s.out, err
	}
	return s.out, s.byHand()
}

// specs are what is fetched of the remote.
func (b *Bridge) specs() []string {
	specs := FetchSpecs(b.cfg.Remote)
	if b.cfg.Branch != "" {
		specs = append(specs, b.branchSpec())
	}
	return specs
}

// branchSpec fetches the branch that each push moves, which need not be there yet.
func (b *Bridge) branchSpec() string {
	return "+refs/heads/" + b.cfg.Branch + "*:" + branchRef(b.cfg.Remote, b.cfg.Branch) + "*"
}

// syncer is one sync.
type syncer struct {
	b         *Bridge
	ctx       context.Context
	o         SyncOptions
	refs      *refs
	reader    *gitrepo.Reader
	ledger    string
	now       sluice.Time                   // by the clock of the installation
	known     map[string]sluice.Environment // by the name that they are shown under
	released  map[string]int64              // by name, how many releases there are here
	manifests map[gitrepo.OID][]byte
	seen      seen
	// overwrite are tags that were moved by hand and recorded, by where they are.
	overwrite map[string]gitrepo.OID
	out       Synced
}

// installation asks what there is here.
func (s *syncer) installation() error {
	info, err := s.b.services.Info(s.ctx)
	if err != nil {
		return err
	}
	s.ledger, s.now = info.Ledger, info.Now
	list, err := s.b.services.Environments(s.ctx, true)
	if err != nil {
		return err
	}
	s.known, s.released = map[string]sluice.Environment{}, map[string]int64{}
	for _, e := range list {
		s.released[e.Name] = e.Release
		if !e.Deleted || s.known[e.Display()].Name == "" {
			s.known[e.Display()] = e
		}
	}
	if s.seen == nil { // what was looked into since is not saved yet
		s.seen, err = s.b.loadSeen(s.ledger)
	}
	return err
}

// export writes what is recorded here to the refs.
func (s *syncer) export() error {
	done, err := s.b.export(s.ctx, s.refs, s.overwrite)
	s.out.Refs = append(s.out.Refs, done.Refs...)
	slices.Sort(s.out.Refs)
	s.out.Refs = slices.Compact(s.out.Refs)
	s.out.ByHand = done.ByHand
	return err
}

// record sends records in requests that are small enough.
func (s *syncer) record(records []sluice.Record) ([]sluice.Recorded, error) {
	return recordAll(s.ctx, s.b.services, records)
}

// Bounds on what is recorded at once, so that no other change waits for long.
const (
	recordsAtOnce = 100
	bytesAtOnce   = 4 << 20
)

func recordAll(ctx context.Context, to sluice.RecordService, records []sluice.Record) ([]sluice.Recorded, error) {
	var out []sluice.Recorded
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && n < recordsAtOnce && (n == 0 || size < bytesAtOnce) {
			size += sizeOf(records[n])
			n++
		}
		report, err := to.Record(ctx, sluice.RecordRequest{Records: records[:n]})
		if err != nil {
			return out, err
		}
		out, records = append(out, report.Recorded...), records[n:]
	}
	return out, nil
}

func sizeOf(r sluice.Record) (size int) {
	if r.Version != nil {
		for _, f := range r.Version.Files {
			size += len(f.Text) + len(f.Base64)*4/3
		}
		return size
	}
	return len(r.Release.Slots) * 300
}
