package outbound

import (
	"net/netip"
	"testing"

	"github.com/sluice-dev/sluice"
)

func TestAllowListsMatchPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry string
		host  string // a name or an address
		port  uint16
		want  bool
	}{
		{"example.com", "example.com", 443, true},
		{"example.com", "EXAMPLE.com.", 80, true},
		{"Example.COM.", "example.com", 80, true},
		{"example.com", "api.example.com", 443, false},
		{"example.com", "example.com.evil.net", 443, false},
		{"example.com", "notexample.com", 443, false},
		{"*.example.com", "api.example.com", 443, true},
		{"*.example.com", "a.b.example.com", 443, true},
		{"*.example.com", "example.com", 443, false},
		{"*.example.com", "evilexample.com", 443, false},
		{"example.com:443", "example.com", 443, true},
		{"example.com:443", "example.com", 80, false},
		{"*.example.com:443", "api.example.com", 443, true},
		{"*.example.com:443", "api.example.com", 8443, false},
		{"10.0.0.0/8", "10.200.3.4", 80, true},
		{"10.0.0.0/8", "11.0.0.1", 80, false},
		{"10.0.0.0/8", "::ffff:10.0.0.1", 80, true},
		{"::ffff:10.0.0.0/104", "10.1.2.3", 80, true},
		{"10.0.0.0/8:443", "10.1.2.3", 443, true},
		{"10.0.0.0/8:443", "10.1.2.3", 80, false},
		{"10.1.2.3/8", "10.9.9.9", 80, true},
		{"127.0.0.1:8080", "127.0.0.1", 8080, true},
		{"127.0.0.1:8080", "127.0.0.1", 8081, false},
		{"127.0.0.1:8080", "127.0.0.2", 8080, false},
		{"::1", "::1", 80, true},
		{"[::1]", "::1", 80, true},
		{"[::1]:8080", "::1", 8080, true},
		{"[::1]:8080", "::1", 80, false},
		{"fd00::/8", "fd12::1", 80, true},
		{"localhost:11434", "localhost", 11434, true},
	} {
		list, err := parseRules([]string{tt.entry})
		if err != nil {
			t.Errorf("%q: %v", tt.entry, err)
			continue
		}
		got := list.allowName(tt.host, tt.port)
		if ip, err := netip.ParseAddr(tt.host); err == nil {
			got = list.allowAddress(plain(ip), tt.port)
		}
		if got != tt.want {
			t.Errorf("%q allows %s port %d: %v, want %v", tt.entry, tt.host, tt.port, got, tt.want)
		}
	}
}

func TestWhatIsNoPlaceIsRefused(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{
		"", " ", "*", "*.", "https://example.com", "example.com/path", "example.com:", "example.com:0", "example.com:http",
		"example.com:99999", "a..b", "exa mple.com", "api.*.example.com", "10.0.0.0/33", "10.0.0.0/", "0x7f000001", "127.1", "fe80::1%eth0", "[::1",
	} {
		_, err := New(Config{Allow: []string{"example.com", entry}})
		if sluice.CodeOf(err) != sluice.Invalid {
			t.Errorf("New with Allow %q: %v, want an error with the code invalid", entry, err)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"example.com", "*.example.com:443", "10.0.0.0/8:80", "[::1]:1", "::ffff:1.2.3.4/100"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		r, ok := parseRule(entry)
		if ok && r.name == "" && !r.prefix.IsValid() {
			t.Errorf("parseRule(%q) = %+v, which matches nothing", entry, r)
		}
		if ok && r.name != "" && r.prefix.IsValid() {
			t.Errorf("parseRule(%q) = %+v, which is a name and a network", entry, r)
		}
	})
}
