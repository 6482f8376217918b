package sluice

import (
	"cmp"
	"math/big"
	"regexp"
	"strings"
)

// Label is a full semantic version with its leading v, such as v1.10.0-rc.1,
// without build metadata. A label never moves to another version.
// Source: Semantic Versioning 2.0.0, https://semver.org.
type Label string

var labelForm = regexp.MustCompile(`^v?((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)` +
	`(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?)$`)

// ParseLabel reads a label; the v is optional on input.
func ParseLabel(s string) (Label, error) {
	m := labelForm.FindStringSubmatch(s)
	if m == nil || len(s) > 128 {
		err := Errorf(Invalid, "%q is not a version label", clip(s))
		if strings.Contains(s, "+") {
			return "", err.Fix("leave out the build metadata after the +")
		}
		return "", err.Fix("write a full semantic version such as v1.2.0 or v1.2.0-rc.1")
	}
	return Label("v" + m[1]), nil
}

// Compare orders labels as the specification says: v1.10.0-rc.1 comes before
// v1.10.0, and numeric identifiers compare as numbers.
func (l Label) Compare(other Label) int {
	core, pre, _ := strings.Cut(strings.TrimPrefix(string(l), "v"), "-")
	otherCore, otherPre, _ := strings.Cut(strings.TrimPrefix(string(other), "v"), "-")
	if c := compareDotted(core, otherCore); c != 0 {
		return c
	}
	switch {
	case pre == otherPre:
		return 0
	case pre == "":
		return 1
	case otherPre == "":
		return -1
	}
	return compareDotted(pre, otherPre)
}

func compareDotted(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if c := compareIdentifier(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// compareIdentifier compares numbers by length first, since they have no
// leading zeros and may be longer than any machine integer.
func compareIdentifier(a, b string) int {
	aNum, bNum := isDigits(a), isDigits(b)
	switch {
	case aNum && bNum:
		if c := cmp.Compare(len(a), len(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	case aNum:
		return -1
	case bNum:
		return 1
	}
	return strings.Compare(a, b)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Bump says which number of a label the next one has higher.
type Bump string

// The steps to a next label.
const (
	BumpPatch Bump = "patch"
	BumpMinor Bump = "minor"
	BumpMajor Bump = "major"
)

// Bumps are the steps to a next label, the smallest first.
var Bumps = [3]Bump{BumpPatch, BumpMinor, BumpMajor}

// Next returns the label that comes after this one by a step. What comes before a
// release, such as v2.0.0-rc.1, is followed by that release; "" by v1.0.0.
func (l Label) Next(by Bump) Label {
	if l == "" {
		return "v1.0.0"
	}
	core, pre, _ := strings.Cut(strings.TrimPrefix(string(l), "v"), "-")
	n := strings.Split(core, ".")
	at := map[Bump]int{BumpMajor: 0, BumpMinor: 1}
	i, ok := at[by]
	if !ok {
		i = 2
	}
	if pre != "" && strings.Trim(strings.Join(n[i+1:], ""), "0") == "" {
		return Label("v" + core)
	}
	one, _ := new(big.Int).SetString(n[i], 10)
	n[i] = one.Add(one, big.NewInt(1)).String()
	for j := i + 1; j < len(n); j++ {
		n[j] = "0"
	}
	return Label("v" + strings.Join(n, "."))
}
