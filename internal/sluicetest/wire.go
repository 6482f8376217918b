package sluicetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sluice-dev/sluice"
)

// walk reads a list one item a page, and demands that it is the list. An empty
// bad cursor says that any word is a place in the list.
func walk[T any](s *suite, name, badCursor string, list func(sluice.Paging) (sluice.Page[T], error)) {
	s.Helper()
	whole := ok[sluice.Page[T]](s)(list(sluice.Paging{}))
	if len(whole.Items) < 3 || whole.Next != "" {
		s.Fatalf("%s: %d items in a page, and more at %q", name, len(whole.Items), whole.Next)
	}
	exact := ok[sluice.Page[T]](s)(list(sluice.Paging{Limit: len(whole.Items)}))
	if !reflect.DeepEqual(exact, whole) {
		s.Errorf("%s: a page that just fits is %+v, want %+v", name, exact, whole)
	}
	var got []T
	for p := (sluice.Paging{Limit: 1}); len(got) <= len(whole.Items); {
		page := ok[sluice.Page[T]](s)(list(p))
		if len(page.Items) != 1 {
			s.Fatalf("%s: a page of one holds %d", name, len(page.Items))
		}
		got = append(got, page.Items...)
		if p.Cursor = page.Next; p.Cursor == "" {
			break
		}
	}
	if !reflect.DeepEqual(got, whole.Items) {
		s.Errorf("%s: item by item it is %+v, want %+v", name, got, whole.Items)
	}
	for bad, code := range map[sluice.Paging]sluice.Code{
		{Limit: -1}: sluice.Invalid, {Limit: sluice.MaxPage + 1}: sluice.LimitExceeded, {Cursor: badCursor}: sluice.Invalid,
	} {
		if _, err := list(bad); sluice.CodeOf(err) != code && bad != (sluice.Paging{}) {
			s.Errorf("%s: page %+v: %v, want %s", name, bad, err, code)
		}
	}
}

func pages(s *suite) {
	s.published(3)
	s.publish("third", "v1.0.0")
	s.deploy("base", prompt, "v1.0.0", other, "v1.0.0")
	s.deploy("prod", prompt, "v1.1.0")
	walk(s, "components", "", func(p sluice.Paging) (sluice.Page[sluice.Component], error) {
		return s.Components(s.ctx, sluice.ComponentQuery{Versions: true, Paging: p})
	})
	walk(s, "components then", "", func(p sluice.Paging) (sluice.Page[sluice.Component], error) {
		return s.Components(s.ctx, sluice.ComponentQuery{At: sluice.TimeOf(s.clock.Add(time.Hour)), Paging: p})
	})
	walk(s, "versions", "x", func(p sluice.Paging) (sluice.Page[sluice.Version], error) {
		return s.Versions(s.ctx, sluice.VersionQuery{Component: prompt, Paging: p})
	})
	walk(s, "releases", "x", func(p sluice.Paging) (sluice.Page[sluice.Release], error) {
		return s.Releases(s.ctx, sluice.ReleaseQuery{Component: prompt, Paging: p})
	})
	walk(s, "entries", "x", func(p sluice.Paging) (sluice.Page[sluice.Entry], error) {
		return s.Entries(s.ctx, sluice.AuditQuery{Paging: p})
	})
}

// awkward is text that some transport or store may take for something else.
var awkward = []string{
	"", "\n", "a\r\nb", "tab\tand \"quotes\" and \\", "<b>&amp;</b>", "\u2028\u2029", "\ufeffmark", "emoji \U0001f600", "nul \x00 within",
	"{{ name }} ${ name } %s", strings.Repeat("long ", 10_000), "not UTF-8: \xff\xfe", "half \xe2\x82", "\x89PNG\r\n\x1a\n",
}

// bytesOnTheWire: what comes out is what went in, to the last byte.
func bytesOnTheWire(s *suite) {
	paths := []string{"a b.md", "50%.md", "what?.md", "#1.md", "ümlaut/日本.md", "a+b&c=d;e.md", "dir/sub.dir/.hidden", "%2e%2e"}
	var files []sluice.File
	for i, content := range awkward {
		files = append(files, sluice.NewFile(fmt.Sprintf("%02d", i), []byte(content)))
	}
	for _, path := range paths {
		files = append(files, sluice.NewFile(path, []byte("at "+path)))
	}
	note := "Line one.\n\tLine <two> & \"three\" \u2028 \U0001f600"
	out := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Kind: "files", Files: files, Note: note}))
	infos, digest, err := sluice.CheckFiles(files)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("digest", out.Version.Digest, digest)
	v := ok[sluice.Version](s)(s.Version(s.ctx, prompt, "1"))
	s.equal("files", v.Files, infos)
	s.equal("note", v.Note, note)
	for _, f := range files {
		if got, err := s.File(s.ctx, prompt, "1", f.Path); err != nil || !reflect.DeepEqual(got, f) {
			s.Errorf("file %q is %.80q, %v", f.Path, fmt.Sprint(got), err)
		}
	}
	draft := ok[sluice.Draft](s)(s.SaveDraft(s.ctx, sluice.SaveDraftRequest{Component: prompt, Files: files}))
	if !reflect.DeepEqual(draft.Files, files) || draft.Digest != digest || draft.Published != 1 {
		s.Errorf("the draft is not what was saved")
	}
	s.deploy("prod", prompt, "1")
	got := ok[sluice.Resolution](s)(s.Resolve(s.ctx, sluice.ResolveRequest{Environment: "prod", Component: prompt, Content: true, Key: "<é&?/%>"}))
	if len(got.Files) != len(files) {
		s.Errorf("%d files are resolved, want %d", len(got.Files), len(files))
	}
	for _, f := range got.Files {
		if f.Info() != infos[indexOf(infos, f.Path)] {
			s.Errorf("file %q is resolved as another", f.Path)
		}
	}
}

func indexOf(infos []sluice.FileInfo, path string) int {
	for i, info := range infos {
		if info.Path == path {
			return i
		}
	}
	return 0
}

// ledgerTree builds the ledger's tree from the entries that a caller is given,
// which only ends at the signed root when each is given byte for byte.
func ledgerTree(s *suite) {
	s.published(2)
	reason := sluice.Change{Reason: "a < b && c > d, said \"bob\" \u2028 \U0001f600", Ticket: "<INC-1>"}
	ok[sluice.Outcome](s)(s.Deploy(s.ctx, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.0.0"), Change: reason}))
	s.deploy("base", other, "v1.1.0")
	checkpoint, err := s.Checkpoint(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	page := ok[sluice.Page[sluice.Entry]](s)(s.Entries(s.ctx, sluice.AuditQuery{}))
	var tree []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, tree[i])
		}
		return out, nil
	})
	for i := range page.Items {
		e := page.Items[len(page.Items)-1-i]
		hashes, err := tlog.StoredHashes(int64(i), e.LeafBytes("default"), read)
		if err != nil {
			s.Fatal(err)
		}
		tree = append(tree, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(page.Items)), read)
	if err != nil || root.String() != checkpoint.Root || int64(len(page.Items)) != checkpoint.Size {
		s.Errorf("%d entries have the root %s, %v; the checkpoint is of %d and %s", len(page.Items), root, err, checkpoint.Size, checkpoint.Root)
	}
	for _, e := range page.Items {
		if e.Kind != sluice.EntryRelease {
			continue
		}
		if r, err := e.Release(); err != nil || r.Ref() != e.Subject || r.Epoch > e.Seq {
			s.Errorf("entry %d holds %+v, %v", e.Seq, r, err)
		}
	}
	changed := strings.Replace(checkpoint.Note, fmt.Sprintf("\n%d\n", checkpoint.Size), fmt.Sprintf("\n%d\n", checkpoint.Size-1), 1)
	report := must(s.Verify(s.ctx, sluice.VerifyRequest{Against: changed, Key: checkpoint.Key}))
	if report.Holds || !strings.Contains(report.Problem, "signature") {
		s.Errorf("against a note that was changed: %+v", report)
	}
}

// ambiguity: the digests of these texts have the same first eight digits.
func ambiguity(s *suite) {
	var digests []sluice.Digest
	for _, n := range []int{67611, 116438} {
		files := []sluice.File{{Path: "prompt.md", Text: fmt.Sprintf("text %d", n)}}
		out := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{Component: prompt, Kind: "prompt", Files: files}))
		digests = append(digests, out.Version.Digest)
	}
	_, err := s.Version(s.ctx, prompt, string(digests[0][:15]))
	s.refused(err, sluice.Conflict, "is ambiguous", "give more digits")
	for i, d := range digests {
		s.equal("with more digits", ok[sluice.Version](s)(s.Version(s.ctx, prompt, d.Short())).Number, i+1)
	}
	relabelled := ok[sluice.Published](s)(s.Publish(s.ctx, sluice.PublishRequest{
		Component: prompt, Label: "v1.0.0", Files: []sluice.File{{Path: "prompt.md", Text: "text 67611"}},
	})).Version
	s.equal("of one content the newest", ok[sluice.Version](s)(s.Version(s.ctx, prompt, digests[0].Short())).Number, relabelled.Number)
}

// resuming: who comes back gets what it missed, in order, and nothing twice.
func resuming(s *suite) {
	s.published(3)
	for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0"} {
		s.deploy("prod", prompt, v)
	}
	first := s.watch(sluice.WatchRequest{Environment: "prod"}).want(sluice.EventSnapshot, 3)
	all := s.watch(sluice.WatchRequest{Environment: "prod", After: strings.TrimRight(first.ID, "0123456789") + "1"})
	for n := int64(1); n <= 3; n++ {
		e := all.want(sluice.EventRelease, n)
		position, err := sluice.ParsePosition(e.ID)
		if err != nil || position.Seq != e.Release.Epoch {
			s.Errorf("the event of %s is %q, %v", e.Release.Ref(), e.ID, err)
		}
	}
	listed := ok[sluice.Page[sluice.Release]](s)(s.Releases(s.ctx, sluice.ReleaseQuery{Environment: "prod", Paging: sluice.Paging{Limit: 1}}))
	again := s.watch(sluice.WatchRequest{Environment: "prod", After: first.ID})
	next := s.deploy("prod", other, "v1.0.0")
	got := again.want(sluice.EventRelease, 4)
	if !reflect.DeepEqual(got.Release, next.Release) {
		s.Errorf("the event holds %+v, the answer %+v", got.Release, next.Release)
	}
	s.equal("listed before", listed.Items[0].Number, 3)
	future := s.watch(sluice.WatchRequest{Environment: "prod", After: first.ID + "00"})
	snapshot := future.want(sluice.EventSnapshot, 4).Snapshot
	s.equal("from the future", snapshot.Reset, true)
	if m := s.live("prod", "my-prompt v1.2.0, router v1.0.0"); !reflect.DeepEqual(snapshot.Manifest, m) {
		s.Errorf("the snapshot holds %+v, the state is %+v", snapshot.Manifest, m)
	}
}

// deadlines: who does not wait is told so, and nothing is done behind its back.
func deadlines(s *suite) {
	s.published(2)
	s.deploy("prod", prompt, "v1.0.0")
	ended, end := context.WithCancel(s.ctx)
	end()
	s.unchanged("a context that has ended", func() {
		for _, ask := range []func(context.Context) error{
			questionOf("", "", s.Deploy, sluice.DeployRequest{Environment: "prod", Changes: set(prompt, "v1.1.0")}).ask,
			questionOf("", "", s.Publish, sluice.PublishRequest{Component: prompt, Files: text("x")}).ask,
			questionOf("", "", s.Releases, sluice.ReleaseQuery{}).ask,
		} {
			if err := ask(ended); sluice.CodeOf(err) != sluice.TimedOut {
				s.Errorf("it was answered %v", err)
			}
		}
	})
	hurried, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
	defer cancel()
	_, err := s.Resolve(hurried, sluice.ResolveRequest{Environment: "prod", Component: prompt, AtLeast: s.epoch() + 1})
	if sluice.CodeOf(err) != sluice.TimedOut {
		s.Errorf("an epoch that does not come: %v", err)
	}
	watched, leave := context.WithCancel(s.ctx)
	defer leave()
	for event, err := range s.Watch(watched, sluice.WatchRequest{Environment: "prod"}) {
		if err != nil || event.Type != sluice.EventSnapshot {
			s.Errorf("a watch says %+v, %v before its context has ended", event, err)
		}
		leave()
	}
}
