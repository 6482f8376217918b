package gitsync

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/gitrepo"
)

// HookConfig says what a hook of a remote is to know.
type HookConfig struct {
	// Read reads a sluice.yaml.
	Read func(text []byte) (HookProject, error)
}

// HookProject is what a sluice.yaml says that matters to a hook.
type HookProject struct {
	// Verify says which signatures tags need; see [Config].
	Verify string
	// Place says where a component is; see [Config].
	Place func(component string) (path, kind string)
	// Environments are those that it names.
	Environments []HookEnvironment
}

// HookEnvironment is one environment of a sluice.yaml.
type HookEnvironment struct {
	Name, Alias  string
	PromotesFrom []string // names or aliases
}

// PushedRef is one line of what Git tells a pre-receive hook.
type PushedRef struct {
	Old, New gitrepo.OID // "" for none
	Ref      string
}

// Objection is why a ref is not let in.
type Objection struct {
	Ref     string
	Problem string
	Fixes   []sluice.Advice
}

// Bounds on what a hook reads.
const (
	maxPushed     = 100_000
	maxPushedLine = 2_048
)

// ReadPushed reads what Git writes to the standard input of a pre-receive hook: a
// line for each ref, with the old id, the new id and the name.
func ReadPushed(r io.Reader, repo *gitrepo.Repo) ([]PushedRef, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxPushedLine)
	var out []PushedRef
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), " ", 3)
		if len(fields) != 3 || len(out) == maxPushed {
			return nil, sluice.Errorf(sluice.Invalid, "%q is not a line that Git gives a pre-receive hook, or there are more than %d", clip(lines.Text()), maxPushed).
				Do(sluice.InstallGitHook(), "have Git call this, as hooks/pre-receive of a bare repository")
		}
		p := PushedRef{Ref: fields[2]}
		for i, into := range []*gitrepo.OID{&p.Old, &p.New} {
			id, ok := repo.ParseOID(fields[i])
			if !ok {
				return nil, sluice.Errorf(sluice.Invalid, "%q is not the id of an object of this repository", clip(fields[i]))
			}
			if strings.Trim(string(id), "0") != "" {
				*into = id
			}
		}
		out = append(out, p)
	}
	if err := lines.Err(); err != nil {
		return nil, sluice.Errorf(sluice.Invalid, "the refs that were pushed cannot be read: %w", err)
	}
	return out, nil
}

// CheckPush says what is wrong with a push to a repository, ref by ref; nothing when
// it may go in. It looks at Sluice's refs alone, and changes nothing. The repository
// is as [gitrepo.Repo.Incoming] sees it.
func CheckPush(ctx context.Context, repo *gitrepo.Repo, pushed []PushedRef, cfg HookConfig) ([]Objection, error) {
	h := &hook{ctx: ctx, repo: repo, cfg: cfg, pushed: map[string]PushedRef{}, live: map[string]map[sluice.Digest]bool{}, manifests: map[gitrepo.OID][]byte{}}
	for _, p := range pushed {
		if ours(p.Ref) {
			h.pushed[p.Ref] = p
		}
	}
	if len(h.pushed) == 0 {
		return nil, nil
	}
	h.reader = repo.Reader(ctx)
	defer h.reader.Close()
	if err := h.begin(); err != nil {
		return nil, err
	}
	for _, p := range pushed {
		if !ours(p.Ref) {
			continue
		}
		err := h.check(p)
		if err != nil && !refuse(err) {
			return nil, err
		}
		if err != nil {
			e := sluice.AsError(err)
			h.objections = append(h.objections, Objection{p.Ref, e.Message, e.Fixes})
		}
	}
	slices.SortStableFunc(h.objections, func(a, b Objection) int { return cmp.Compare(a.Ref, b.Ref) })
	return h.objections, h.signatures(pushed)
}

// ours reports whether a ref is one that Sluice gives a meaning.
func ours(ref string) bool {
	_, exchanged := RemoteRef("", ref)
	return exchanged
}

// hook is one push that is looked at.
type hook struct {
	ctx        context.Context
	repo       *gitrepo.Repo
	reader     *gitrepo.Reader
	cfg        HookConfig
	project    HookProject
	pushed     map[string]PushedRef // Sluice's, by name
	refs       map[string]gitrepo.Ref
	live       map[string]map[sluice.Digest]bool // by environment and component, all that was ever live
	manifests  map[gitrepo.OID][]byte
	objections []Objection
}

// begin reads the refs and the policy, as they are before the push.
func (h *hook) begin() error {
	list, err := h.repo.Refs(h.ctx, TagsPrefix, "refs/sluice/")
	if err != nil {
		return err
	}
	h.refs = map[string]gitrepo.Ref{}
	for _, r := range list {
		h.refs[r.Name] = r
	}
	h.project = HookProject{Verify: VerifySigned, Place: func(string) (string, string) { return "", "" }}
	o, found, err := h.reader.Object("HEAD:sluice.yaml")
	if err != nil || !found || o.Kind != "blob" {
		return err
	}
	read, err := h.cfg.Read(o.Bytes)
	if err != nil {
		return sluice.Errorf(sluice.Unavailable, "the sluice.yaml of the default branch cannot be read, so nobody knows which policy holds: %w", err).
			Fix("correct it, and push that branch alone first")
	}
	h.project = read
	return nil
}

// check is about one ref.
func (h *hook) check(p PushedRef) error {
	switch {
	case p.Old == p.New:
		return nil
	case strings.HasPrefix(p.Ref, EnvironmentsPrefix):
		return h.environment(p)
	case strings.HasPrefix(p.Ref, VersionsPrefix):
		return h.version(p)
	case strings.HasPrefix(p.Ref, SupersededPrefix):
		return h.superseded(p)
	}
	tag, ok := ParseTagName(p.Ref)
	switch {
	case !ok || tag.Layout != LayoutPlain:
		return nil // somebody's own
	case tag.Label != "":
		return h.version(p)
	case tag.Environment != "" && h.isEnvironment(tag.Environment):
		return h.move(p, tag)
	}
	return nil
}

// signatures objects to tags whose signature does not hold, or is missing where
// each must have one.
func (h *hook) signatures(pushed []PushedRef) error {
	var ids []gitrepo.OID
	var of []PushedRef
	for _, p := range pushed {
		tag, ok := ParseTagName(p.Ref)
		is := isTag(p.Ref) && ok && tag.Layout == LayoutPlain && (tag.Label != "" || h.isEnvironment(tag.Environment))
		if is && p.New != "" && p.New != p.Old {
			ids, of = append(ids, p.New), append(of, p)
		}
	}
	s := &syncer{b: &Bridge{repo: h.repo, cfg: Config{Verify: h.project.Verify}}, ctx: h.ctx, reader: h.reader}
	bad, err := s.unverified(ids)
	if err != nil {
		return err
	}
	for _, p := range of {
		if why := bad[p.New]; why != nil && !slices.ContainsFunc(h.objections, func(o Objection) bool { return o.Ref == p.Ref }) {
			e := sluice.AsError(why)
			h.objections = append(h.objections, Objection{p.Ref, e.Message, e.Fixes})
		}
	}
	return nil
}

// isEnvironment reports whether a word is the name or alias of an environment here.
func (h *hook) isEnvironment(word string) bool {
	if word == "" {
		return false
	}
	_, there := h.refs[EnvironmentRef(word)]
	_, comes := h.pushed[EnvironmentRef(word)]
	return there || comes || slices.ContainsFunc(h.environments(), func(e HookEnvironment) bool { return e.is(word) })
}

func (e HookEnvironment) is(word string) bool {
	return word != "" && (sluice.FoldName(e.Name) == sluice.FoldName(word) || sluice.FoldName(e.Alias) == sluice.FoldName(word))
}

// environments are those of sluice.yaml, and those that are always there.
func (h *hook) environments() []HookEnvironment {
	out := slices.Clone(h.project.Environments)
	for _, e := range sluice.DefaultEnvironments() {
		i := slices.IndexFunc(out, func(o HookEnvironment) bool { return o.is(e.Name) })
		if i < 0 {
			out = append(out, HookEnvironment{Name: e.Name, Alias: e.Alias})
		} else if out[i].Alias == "" {
			out[i].Alias = e.Alias
		}
	}
	return out
}
