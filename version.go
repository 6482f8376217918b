package sluice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Digest is "sha256:" and 64 hex digits.
type Digest string

// DigestBytes is the digest of one file's bytes.
func DigestBytes(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// Short is the digest as far as a person needs it: its first 12 hex digits.
func (d Digest) Short() string {
	if len(d) < 19 {
		return string(d)
	}
	return string(d[:19])
}

// Version is immutable content of a component. Only its name and note can be
// changed afterwards; names may move to another version, labels never do.
type Version struct {
	Component string     `json:"component"`
	Number    int        `json:"version"`
	Label     Label      `json:"label,omitempty"`
	Name      string     `json:"name,omitempty"`
	Note      string     `json:"note,omitempty"`
	Digest    Digest     `json:"digest"`
	Size      int64      `json:"size"` // bytes of all files
	Files     []FileInfo `json:"files,omitempty"`
	// Requires are the variables that the files declare to need, sorted.
	Requires []string `json:"requires,omitempty"`
	// Pins are the numbers of the versions that the files refer to by what may move,
	// such as my-prompt@latest, as they were when this was published.
	Pins       map[string]int `json:"pins,omitempty"`
	Commit     Commit         `json:"commit,omitempty"` // of Git, whose tree holds the files
	Author     string         `json:"author"`
	At         Time           `json:"at"`
	RecordedAt Time           `json:"recorded_at"`
	// Quarantine is set while the content may not go live anywhere.
	Quarantine *Quarantine `json:"quarantine,omitempty"`
	// Purged says that the bytes were removed; the digest and all history remain.
	Purged bool `json:"purged,omitempty"`
	// ReadAs is what the content was read as: a kind with behaviour, [ReadAsOther] or
	// [ReadAsData]. It is empty until the content is read.
	ReadAs string `json:"read_as,omitempty"`
	// Unchecked is set when mistakes were found in the content, or it could not be read
	// and was published all the same.
	Unchecked *Unchecked `json:"unchecked,omitempty"`
}

// Pin is the version as a value holds it.
func (v Version) Pin() Pin { return Pin{Version: v.Number, Label: v.Label, Digest: v.Digest} }

// Ref is the shortest reference that names the version and nothing else.
func (v Version) Ref() string { return v.Component + "@" + v.Pin().String() }

// FileInfo is a file of a version without its content.
type FileInfo struct {
	Path   string `json:"path"`
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"`
}

// File is a file with its content: text when it is valid UTF-8, else base64.
type File struct {
	Path   string `json:"path"`
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

// NewFile makes a file from its bytes.
func NewFile(path string, content []byte) File {
	if utf8.Valid(content) {
		return File{Path: path, Text: string(content)}
	}
	return File{Path: path, Base64: content}
}

// Bytes is the content.
func (f File) Bytes() []byte {
	if f.Base64 != nil {
		return f.Base64
	}
	return []byte(f.Text)
}

// Info is the file without its content.
func (f File) Info() FileInfo {
	b := f.Bytes()
	return FileInfo{Path: f.Path, Digest: DigestBytes(b), Size: int64(len(b))}
}

// FileTooLarge refuses a file by its size.
func FileTooLarge(path string, size int64) error {
	return Errorf(LimitExceeded, "file %s is %d bytes; the limit is %d", path, size, MaxFileBytes).
		Fix("split it, or keep large data elsewhere and refer to it")
}

// CheckFiles checks the files of a version against the limits and returns what
// is known of them, sorted by path, with the version's digest.
func CheckFiles(files []File) ([]FileInfo, Digest, error) {
	if len(files) == 0 || len(files) > MaxFiles {
		return nil, "", Errorf(LimitExceeded, "a version has 1 to %d files; this has %d", MaxFiles, len(files)).
			Fix("publish what changes together as one component, the rest as others")
	}
	infos, total := make([]FileInfo, 0, len(files)), int64(0)
	for _, f := range files {
		if err := checkPath(f.Path); err != nil {
			return nil, "", err
		}
		if f.Text != "" && f.Base64 != nil {
			return nil, "", Errorf(Invalid, "file %s has both text and base64", f.Path).Fix("send one of them")
		}
		info := f.Info()
		if info.Size > MaxFileBytes {
			return nil, "", FileTooLarge(f.Path, info.Size)
		}
		total += info.Size
		infos = append(infos, info)
	}
	if total > MaxVersionBytes {
		return nil, "", Errorf(LimitExceeded, "the files are %d bytes together; the limit is %d", total, MaxVersionBytes)
	}
	slices.SortFunc(infos, func(a, b FileInfo) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(infos); i++ {
		if infos[i].Path == infos[i-1].Path {
			return nil, "", Errorf(Invalid, "file %s is given twice", infos[i].Path)
		}
	}
	return infos, DigestFiles(infos), nil
}

func checkPath(p string) error {
	bad := p == "" || len(p) > MaxPathBytes || !utf8.ValidString(p) || strings.ContainsAny(p, "\\\x00\n\r") ||
		path.IsAbs(p) || path.Clean(p) != p || p == "." || p == ".." || strings.HasPrefix(p, "../")
	if bad {
		return Errorf(Invalid, "file path %q is not a clean relative path", clip(p)).Fix("use forward slashes, no .. and at most %d bytes", MaxPathBytes)
	}
	return nil
}

// DigestFiles is a version's digest: SHA-256 over a format tag and, sorted by
// path, each file's digest and path.
func DigestFiles(infos []FileInfo) Digest {
	h := sha256.New()
	fmt.Fprint(h, "sluice-version-1\n")
	for _, f := range infos {
		fmt.Fprintf(h, "%s %s\n", f.Digest, f.Path)
	}
	return Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// PublishRequest makes a version. Identical content returns the version that
// exists; with a new label it makes a new number with the same digest.
type PublishRequest struct {
	Component string `json:"-"`
	Kind      string `json:"kind,omitempty"` // of a component that is made by publishing
	Files     []File `json:"files"`
	Label     string `json:"label,omitempty"`
	Name      string `json:"name,omitempty"`
	Note      string `json:"note,omitempty"`
	Commit    Commit `json:"commit,omitempty"` // of Git, whose tree holds the files
	Author    string `json:"author,omitempty"` // importers only
	At        Time   `json:"at,omitzero"`      // importers only: when it was made elsewhere
	// Unchecked publishes also what cannot run, and marks it. It needs [MayPublishUnchecked].
	Unchecked bool `json:"unchecked,omitempty"`
	Change
}

// Published is the answer to a publish.
type Published struct {
	Version Version `json:"version"`
	Created bool    `json:"created"` // false when the version existed
	// Live are the releases of environments that track the latest version.
	Live []Release `json:"live"`
	// Refused are the environments that track it and did not take it.
	Refused []Refusal `json:"refused"`
	// Notes say what of the files is kept and has no effect here, such as the trigger of
	// an ensemble, or keeps it from running here.
	Notes  []Mistake `json:"notes,omitempty"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// Refusal says which environment did not follow a publish, and why.
type Refusal struct {
	Environment string `json:"environment"`
	Reason      string `json:"reason"`
}

// EditVersionRequest names or annotates a version.
type EditVersionRequest struct {
	Component string  `json:"-"`
	Version   string  `json:"-"` // as [ParseVersionRef] reads it
	Name      *string `json:"name,omitempty"`
	Note      *string `json:"note,omitempty"`
	// Untaken refuses a name that another version has, which otherwise moves here.
	Untaken bool `json:"untaken,omitempty"`
	Change
}

// Quarantine keeps one content of one component from going live, under any
// number or name.
type Quarantine struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
	At     Time   `json:"at"`
}

// QuarantineRequest sets a quarantine on a version's content, or lifts it.
type QuarantineRequest struct {
	Component string `json:"-"`
	Version   string `json:"-"`
	Lift      bool   `json:"lift,omitempty"`
	Change
}

// QuarantineReport is the version and the environments where it is still live.
type QuarantineReport struct {
	Version Version  `json:"version"`
	LiveIn  []string `json:"live_in"`
	Changed bool     `json:"changed"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// PurgeRequest removes the bytes of a version's content. A reason is required,
// and content that is live somewhere cannot be purged.
type PurgeRequest struct {
	Component string `json:"-"`
	Version   string `json:"-"`
	Change
}

// VersionQuery selects versions of a component, newest first.
type VersionQuery struct {
	Component string
	Paging
}
