package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// Standing is what a look at a signature comes to.
type Standing string

// What a signature can be.
const (
	SignedWell   Standing = "good"      // by a key that is trusted here
	SignedBadly  Standing = "bad"       // it does not fit the content, or its key is expired, revoked or not trusted enough
	SignedByWhom Standing = "unchecked" // there is no key here to check it with, or no program or setting to do it
	NotSigned    Standing = "unsigned"  // no signature at all
)

// Verdict is what Git says of the signature of one tag. It is about the object:
// that its name is that of the ref which points at it is for the caller to see.
type Verdict struct {
	Good     bool // SignedWell
	Standing Standing
	Signer   string // who it says signed it, only as far as a key here vouches for it; "" when unknown
	Key      string // id or fingerprint of the key, when the signature names it
	Why      string // the reason when it is not good, as a part of a sentence
}

// How many tags one process looks at: few at first, and then as many as what Git
// says about them fits into what is kept of it.
const (
	verifyFirst = 50
	verifyMost  = 2000
)

// VerifyTags has Git check the signatures of tag objects with the keys that it
// is set up to trust: OpenPGP, X.509 and SSH. Each id has a verdict; an id that
// is no tag is bad. It starts one git process for up to 50 tags and another one
// for some hundreds that follow, and Git starts the program that checks for each
// that is signed. Errors are those of [Repo.Run].
func (r *Repo) VerifyTags(ctx context.Context, ids []OID) (map[OID]Verdict, error) {
	verdicts := make(map[OID]Verdict, len(ids))
	settings, err := r.Settings(ctx)
	if err != nil {
		return nil, err
	}
	for atOnce := verifyFirst; len(ids) > 0; {
		reports, err := r.verify(ctx, ids[:min(atOnce, len(ids))])
		if err != nil {
			return nil, err
		}
		longest := 1
		for i, report := range reports {
			verdicts[ids[i]] = judge(report, settings.MinTrust)
			longest = max(longest, len(report))
		}
		ids = ids[len(reports):]
		const ending = 100 // bytes of what divides the reports
		atOnce = min(max(1, maxStderr/2/(longest+ending)), verifyMost)
	}
	if settings.RevokedKeys != "" {
		return verdicts, r.doubtTimeless(ctx, verdicts)
	}
	return verdicts, nil
}

// doubtTimeless takes back what is good of tags that were made in the first
// second of 1970, or do not say when. For these git passes ssh-keygen an empty
// argument where the time would stand, behind which the file of revoked keys is
// not seen.
func (r *Repo) doubtTimeless(ctx context.Context, verdicts map[OID]Verdict) error {
	rd := r.Reader(ctx)
	defer func() { _ = rd.Close() }()
	for id, v := range verdicts {
		if !v.Good || !strings.HasPrefix(v.Key, "SHA256:") {
			continue
		}
		object, found, err := rd.Object(string(id))
		if err != nil {
			return err
		}
		tag, err := ParseTag(id, object.Bytes)
		if !found || err != nil || tag.Tagger.When.Unix() == 0 {
			verdicts[id] = Verdict{Standing: SignedBadly, Key: v.Key, Why: "without a time, Git does not see whether the key was revoked"}
		}
	}
	return nil
}

// verify returns what Git reports of each tag, for as many from the first one on
// as it is known of.
func (r *Repo) verify(ctx context.Context, ids []OID) ([]string, error) {
	// Git reports in the order of the names, without saying of which. A name
	// that nothing has, after each, divides the report.
	end := fmt.Sprintf("end-%016x%016x", rand.Uint64(), rand.Uint64())
	args := []string{"verify-tag", "--raw", "--"}
	for _, id := range ids {
		if _, ok := r.ParseOID(string(id)); !ok {
			id = "none-" + OID(end)
		}
		args = append(args, string(id), end)
	}
	_, err := r.run(ctx, process{args: args})
	var failure *Failure
	if !errors.As(err, &failure) {
		return nil, err
	}
	reports := strings.Split(failure.Stderr, fmt.Sprintf("error: tag '%s' not found.", end))
	if len(reports) < 2 || len(reports) > len(ids)+1 {
		return nil, err
	}
	return reports[:len(reports)-1], nil
}

// What the programs say. gpg and gpgsm report in lines of their own form, which
// Git passes on; ssh-keygen in sentences.
var (
	gpgLine   = regexp.MustCompile(`(?m)^\[GNUPG:\] (GOODSIG|BADSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|ERRSIG) (\S+) ?(.*)$`)
	gpgTrust  = regexp.MustCompile(`(?m)^\[GNUPG:\] TRUST_([A-Z]+)`)
	gpgPrint  = regexp.MustCompile(`(?m)^\[GNUPG:\] VALIDSIG (\S+)`)
	gpgNoKey  = regexp.MustCompile(`(?m)^\[GNUPG:\] NO_PUBKEY `)
	sshGood   = regexp.MustCompile(`(?m)^Good "git" signature for (.+) with \S+ key (\S+)$`)
	sshNobody = regexp.MustCompile(`(?m)^Good "git" signature with \S+ key (\S+)$`)
	sshKey    = regexp.MustCompile(`with \S+ key (SHA256:\S+)`)
)

// gpgWords say why a signature does not count, by what gpg calls it.
var gpgWords = map[string]string{
	"BADSIG": "the signature does not fit the content", "EXPSIG": "the signature has expired",
	"EXPKEYSIG": "the key has expired", "REVKEYSIG": "the key was revoked", "ERRSIG": "the signature cannot be checked",
}

// trustLevels are those of gpg.minTrustLevel, from the least.
var trustLevels = []string{"undefined", "never", "marginal", "fully", "ultimate"}

// judge reads what Git reported of one tag.
func judge(report, minTrust string) Verdict {
	gpg := gpgLine.FindAllStringSubmatch(report, -1)
	switch {
	case len(gpg) > 0:
		return judgeGPG(gpg, report, minTrust)
	case strings.Contains(report, "error: no signature found"):
		return Verdict{Standing: NotSigned, Why: "it is not signed"}
	case strings.Contains(report, "cannot verify a non-tag object"), strings.Contains(report, "error: tag 'none-"):
		return Verdict{Standing: SignedBadly, Why: "it is not a tag"}
	}
	if m := sshGood.FindStringSubmatch(report); m != nil && !strings.Contains(report, "Could not verify signature") {
		return trusted(Verdict{Signer: text([]byte(m[1])), Key: m[2]}, "FULLY", minTrust)
	}
	if m := sshNobody.FindStringSubmatch(report); m != nil {
		return Verdict{Standing: SignedByWhom, Key: m[1], Why: "no key here vouches for the one that signed it"}
	}
	for _, lack := range []string{"allowedSignersFile needs to be configured", "ssh-keygen -Y find-principals/verify is needed", "cannot run", "No such file or directory"} {
		if strings.Contains(report, lack) {
			return Verdict{Standing: SignedByWhom, Why: "it cannot be checked here: " + lastWords(report)}
		}
	}
	v := Verdict{Standing: SignedBadly, Why: "the signature does not hold: " + lastWords(report)}
	if m := sshKey.FindStringSubmatch(report); m != nil {
		v.Key = m[1]
	}
	return v
}

// judgeGPG reads the lines of gpg. More than one signature is none, as for Git:
// who added the second one is unclear.
func judgeGPG(lines [][]string, report, minTrust string) Verdict {
	word, key, who := lines[0][1], lines[0][2], text([]byte(lines[0][3]))
	if m := gpgPrint.FindStringSubmatch(report); m != nil {
		key = m[1]
	}
	switch {
	case len(lines) > 1:
		return Verdict{Standing: SignedBadly, Why: "it has more than one signature"}
	case word == "GOODSIG":
		level := "UNDEFINED"
		if m := gpgTrust.FindStringSubmatch(report); m != nil {
			level = m[1]
		}
		return trusted(Verdict{Signer: who, Key: key}, level, minTrust)
	case word == "ERRSIG" && gpgNoKey.MatchString(report):
		return Verdict{Standing: SignedByWhom, Key: key, Why: "the key that signed it is not here"}
	case word == "ERRSIG":
		return Verdict{Standing: SignedByWhom, Key: key, Why: gpgWords[word]}
	}
	if word == "BADSIG" {
		who = "" // it is not what the owner of the key signed
	}
	return Verdict{Standing: SignedBadly, Signer: who, Key: key, Why: gpgWords[word]}
}

// trusted completes the verdict of a signature that fits, by whether its key is
// trusted as much as gpg.minTrustLevel asks for.
func trusted(v Verdict, level, least string) Verdict {
	if slices.Index(trustLevels, strings.ToLower(level)) < slices.Index(trustLevels, least) {
		v.Standing, v.Why = SignedBadly, fmt.Sprintf("the key is trusted less than gpg.minTrustLevel asks for (%s)", least)
		return v
	}
	v.Good, v.Standing = true, SignedWell
	return v
}
