package sluice

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Telling reports whether a variable gives itself away as a credential, whatever
// its key was until now: by its value alone, or by a value that looks random under
// a key that hints at one. Every surface judges by it and by [SecretKey].
func Telling(key, value string) bool {
	return SecretValue(value) || hintsAtSecret(key) && looksRandom(value)
}

// secretParts are what a credential's key has in it, wherever that stands;
// secretEnds are whole words that it ends in.
var (
	secretParts = []string{"SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "ACCESSKEY", "PRIVATEKEY", "CREDENTIAL"}
	secretEnds  = []string{"KEY", "TOKEN", "PWD", "PASS", "PAT", "JWT"}
	secretAlone = []string{"TOKEN", "PASS", "PAT", "JWT"} // not PWD, which shells set, nor KEY
	secretHints = []string{"AUTH", "AUTHORIZATION", "BEARER", "KEY", "KEYS", "TOKENS", "SALT", "SEED", "SIGNING", "ENCRYPTION", "HMAC", "SESSION", "COOKIE", "LICENSE", "PIN"}
)

// SecretKey reports whether a key looks like a credential's, in any case: it ends
// in the word KEY, TOKEN, PWD, PASS, PAT or JWT, or has one of SECRET, PASSWORD,
// PASSWD, PASSPHRASE, APIKEY, ACCESSKEY, PRIVATEKEY or CREDENTIAL in it.
func SecretKey(key string) bool {
	k := strings.ToUpper(key)
	if slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(k, part) }) {
		return true
	}
	before, last := "", k
	if i := strings.LastIndexByte(k, '_'); i >= 0 {
		before, last = k[:i], k[i+1:]
	}
	if before == "" {
		return slices.Contains(secretAlone, last)
	}
	return slices.Contains(secretEnds, last)
}

func hintsAtSecret(key string) bool {
	for word := range strings.SplitSeq(strings.ToUpper(key), "_") {
		if slices.Contains(secretHints, word) {
			return true
		}
	}
	return false
}

// SecretValue reports whether a value gives itself away as a credential, whatever
// its key: it holds a private key in PEM, a token of a form that its issuer made
// recognisable, or a signed JWT; it is a URL that lets in whoever has it, or a
// connection string with a password. What only identifies content or things, such
// as digests and UUIDs, is none.
func SecretValue(value string) bool {
	return privateKey.MatchString(value) || issued.MatchString(value) || letsIn.MatchString(value) || passwordURL(value)
}

// privateKey is the line that a private key in PEM begins with: of any algorithm,
// encrypted or not, and of PGP and OpenSSH.
var privateKey = regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)

// issued are the forms of tokens by which issuers make them recognisable. They
// stand alone, or in a longer text such as a header.
var issued = regexp.MustCompile(`(?:^|[^A-Za-z0-9_-])(?:` + strings.Join([]string{
	`sk-(?:proj|ant|or|svcacct|admin|lf)-[\w-]{16,}`, `sk-[A-Za-z0-9]{32,}`, // models
	`(?:hf|gsk|r8)_[A-Za-z0-9]{30,}`, `(?:xai|pplx|nvapi)-[\w-]{32,}`, `lsv2_(?:pt|sk)_[\w]{32,}`,
	`gh[pousr]_[A-Za-z0-9]{20,}`, `github_pat_\w{20,}`, `gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{16,}`, // code
	`npm_[A-Za-z0-9]{30,}`, `pypi-AgEI[\w-]{20,}`, `dckr_pat_[\w-]{20,}`, `ATATT3[\w=-]{20,}`,
	`[sr]k_(?:live|test)_[A-Za-z0-9]{10,}`, `whsec_[A-Za-z0-9+/=]{16,}`, `shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`, // shops
	`xox[abeoprs]-[A-Za-z0-9-]{10,}`, `xapp-\d-[A-Za-z0-9-]{10,}`, `SG\.[\w-]{16,}\.[\w-]{16,}`, // messages
	`A[KS]IA[A-Z0-9]{16}\b`, `AIza[\w-]{35}`, `ya29\.[\w-]{20,}`, `GOCSPX-[\w-]{20,}`, // clouds
	`do[opr]_v1_[a-f0-9]{32,}`, `hvs\.[\w-]{20,}`, `dapi[a-f0-9]{32}`, `glsa_\w{32,}`, `tskey-[\w-]{16,}`,
	`AGE-SECRET-KEY-1[A-Z0-9]{20,}`, `sluice_[A-Za-z0-9]{10}_[A-Za-z0-9]{32,}`,
	`eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{10,}`, // signed JWT
}, "|") + `)`)

// letsIn are URLs and texts that hold a credential under a name of its own.
var letsIn = regexp.MustCompile(strings.Join([]string{
	`https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9]+/\w+`,
	`https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]{16,}`,
	`https://[\w.-]+\.webhook\.office\.com/webhookb2/[\w@-]{16,}`,
	`(?i)[?&](?:access_token|api_?key|auth_token|token|client_secret|secret|sig|signature|x-amz-signature|x-goog-signature)=[^\s&#]{16,}`,
	`(?i)(?:^|[\s;?&])(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*[^\s;&]+`,
	`^\s*[^\s:@/]+:[^\s@]+@(?:tcp|unix)\(`,
	`(?i)^\s*(?:authorization:\s*)?(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}\s*$`,
}, "|"))

func passwordURL(value string) bool {
	if !strings.Contains(value, "://") || !strings.Contains(value, "@") {
		return false
	}
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil { // what cannot be told is masked
		return true
	}
	_, has := u.User.Password()
	return has
}

// Bounds on what looks random: so many bytes, and so many bits of entropy in each
// as its own frequencies have it. Words have fewer.
const (
	minRandomBytes = 20
	minRandomBits  = 3.5
)

// uuidForm and taggedDigest identify things, and random is of one word.
var (
	uuidForm     = regexp.MustCompile(`(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	taggedDigest = regexp.MustCompile(`(?i)^(?:md5|sha1|sha256|sha384|sha512)[:-]`)
	randomForm   = regexp.MustCompile(`^[A-Za-z0-9+/=_.~-]+$`)
)

// looksRandom reports whether a value is one long word with digits and letters that
// no one made up: neither a path, a name, a digest nor a UUID.
func looksRandom(value string) bool {
	v := strings.TrimSpace(value)
	if len(v) < minRandomBytes || !randomForm.MatchString(v) || uuidForm.MatchString(v) || taggedDigest.MatchString(v) || strings.HasPrefix(v, "/") || strings.HasPrefix(v, ".") {
		return false
	}
	if !strings.ContainsAny(v, "0123456789") || strings.Trim(v, "0123456789.-") == "" {
		return false
	}
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return strings.ContainsRune("/_.-", r) }) {
		if len(part) >= minRandomBytes/2 && strings.ContainsAny(part, "0123456789") {
			return entropy(v) >= minRandomBits
		}
	}
	return false
}

// entropy is how many bits a byte of s has, by how often each stands in it.
func entropy(s string) float64 {
	var counts [256]float64
	for i := range len(s) {
		counts[s[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := n / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
