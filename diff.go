package sluice

// Diff is what differs between two environments at some time, or between two
// versions of components.
type Diff struct {
	From string `json:"from"` // as resolved: production#41, or my-prompt@v1.0.0
	To   string `json:"to"`
	// Slots differ between environments.
	Slots []SlotChange `json:"slots,omitempty"`
	// Files differ between versions, or between the versions of Slots when
	// contents were asked for.
	Files []FileDiff `json:"files,omitempty"`
}

// FileStatus says what happened to a file.
type FileStatus string

// The statuses of a file in a diff.
const (
	FileAdded   FileStatus = "added"
	FileRemoved FileStatus = "removed"
	FileChanged FileStatus = "changed"
)

// FileDiff is one file that differs.
type FileDiff struct {
	Component string     `json:"component"`
	Path      string     `json:"path"`
	Status    FileStatus `json:"status"`
	From      Digest     `json:"from,omitempty"`
	To        Digest     `json:"to,omitempty"`
	// Unified is the difference as text, or one sentence for what is not text.
	Unified string `json:"unified,omitempty"`
}

// DiffRequest names two environments (production, production#41,
// production@TIME) or two versions (my-prompt@v1.0.0).
type DiffRequest struct {
	From     string
	To       string
	Contents bool // between environments: with the text of what changed
}

// DiffFiles lists the files that differ, sorted by path. Both lists must be.
func DiffFiles(component string, from, to []FileInfo) []FileDiff {
	var out []FileDiff
	for len(from) > 0 || len(to) > 0 {
		switch {
		case len(to) == 0 || len(from) > 0 && from[0].Path < to[0].Path:
			out = append(out, FileDiff{Component: component, Path: from[0].Path, Status: FileRemoved, From: from[0].Digest})
			from = from[1:]
		case len(from) == 0 || to[0].Path < from[0].Path:
			out = append(out, FileDiff{Component: component, Path: to[0].Path, Status: FileAdded, To: to[0].Digest})
			to = to[1:]
		default:
			if from[0].Digest != to[0].Digest {
				out = append(out, FileDiff{Component: component, Path: to[0].Path, Status: FileChanged, From: from[0].Digest, To: to[0].Digest})
			}
			from, to = from[1:], to[1:]
		}
	}
	return out
}
