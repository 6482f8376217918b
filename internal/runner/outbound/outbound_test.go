package outbound_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/internal/runner/outbound"
)

func TestMetadataIsRefusedHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	for _, allow := range [][]string{nil, {"169.254.0.0/16", "0.0.0.0/0", "::/0", "metadata.google.internal"}} {
		client := newClient(t, outbound.Config{Allow: allow})
		for url, want := range map[string]string{
			"http://169.254.169.254/latest/meta-data":     "requests to 169.254.169.254 (link-local) are refused",
			"http://169.254.169.254.:80/":                 "(a number that stands for an address) are refused",
			"http://2852039166/":                          "2852039166 (a number that stands for an address) are refused",
			"http://0xa9fea9fe/":                          "0xa9fea9fe (a number",
			"http://0xA9.0xFE.0xA9.0xFE/":                 "(a number",
			"http://0251.0376.0251.0376/":                 "(a number",
			"http://169.254.43518/":                       "(a number",
			"http://0/":                                   "(a number",
			"http://１６９.254.169.254/":                     "169.254.169.254 (link-local)",
			"http://169。254。169。254/":                     "169.254.169.254 (link-local)",
			"http://[::ffff:169.254.169.254]/":            "(link-local)",
			"http://[::ffff:a9fe:a9fe]/":                  "(link-local)",
			"http://[::a9fe:a9fe]/":                       "(link-local)",
			"http://[64:ff9b::a9fe:a9fe]/":                "(link-local)",
			"http://[2002:a9fe:a9fe::]/":                  "(link-local)",
			"http://[fe80::1]/":                           "(link-local)",
			"http://[fe80::1%25lo]/":                      "(link-local)",
			"http://[fd00:ec2::254]/":                     "(cloud metadata)",
			"http://100.100.100.200/":                     "(cloud metadata)",
			"http://metadata.google.internal/":            "metadata.google.internal (cloud metadata)",
			"http://METADATA.google.internal.:8080/v1":    "(cloud metadata)",
			"http://0.0.0.0/":                             "(unspecified)",
			"http://[::]/":                                "(unspecified)",
			"http://224.0.0.1/":                           "(multicast)",
			"http://[ff02::1]/":                           "(multicast)",
			"http://255.255.255.255/":                     "(reserved)",
			"file:///etc/passwd":                          `requests by "file" are refused`,
			"ftp://example.com/":                          `requests by "ftp" are refused`,
			"http://alice:secret@127.0.0.1/":              "with a user or password in the URL are refused",
			"https://user@169.254.169.254@example.com:1/": "with a user or password",
		} {
			wantRefused(t, client, url, want)
		}
	}
}

// TestWhatANameTurnsIntoIsJudged has a name server that changes its mind.
func TestWhatANameTurnsIntoIsJudged(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	var address atomic.Value
	address.Store("127.0.0.1")
	client := newClient(t, outbound.Config{Allow: []string{"rebind.example"}, Resolver: nameServer(t, func(string) string { return address.Load().(string) })})
	url := "http://rebind.example:" + port(server)
	if got := get(t, client, url); got != "hello" {
		t.Fatalf("GET %s = %q, want hello", url, got)
	}
	client.CloseIdleConnections()
	address.Store("169.254.169.254")
	wantRefused(t, client, url, "requests to rebind.example, which is 169.254.169.254 (link-local) are refused")
	address.Store("0.0.0.0")
	wantRefused(t, client, url, "(unspecified)")
}

func TestAllowListRestrictsEverythingElse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	names := nameServer(t, func(string) string { return "127.0.0.1" })
	at := port(server)
	for _, tt := range []struct {
		name    string
		cfg     outbound.Config
		host    string
		refused string // "" for an answer
	}{
		{"nothing is listed", outbound.Config{}, "127.0.0.1", ""},
		{"the name is listed", outbound.Config{Allow: []string{"api.example"}}, "api.example", ""},
		{"a name above is listed", outbound.Config{Allow: []string{"*.example"}}, "api.example", ""},
		{"the name is listed with its port", outbound.Config{Allow: []string{"api.example:" + at}}, "api.example", ""},
		{"the name is listed with another port", outbound.Config{Allow: []string{"api.example:1"}}, "api.example", "requests to api.example are refused: it is not in the list"},
		{"another name is listed", outbound.Config{Allow: []string{"other.example"}}, "api.example", "not in the list"},
		{"the address of a name is listed", outbound.Config{Allow: []string{"127.0.0.0/8"}}, "api.example", ""},
		{"another network is listed", outbound.Config{Allow: []string{"10.0.0.0/8"}}, "api.example", "requests to api.example, which is 127.0.0.1 are refused"},
		{"an address is asked and a name is listed", outbound.Config{Allow: []string{"api.example"}}, "127.0.0.1", "not in the list"},
		{"private networks are refused", outbound.Config{RefusePrivate: true}, "127.0.0.1", "requests to 127.0.0.1 (loopback) are refused here"},
		{"private networks are refused behind a name", outbound.Config{RefusePrivate: true, Allow: []string{"api.example"}}, "api.example", "(loopback) are refused here"},
		{"private networks are refused but for one address", outbound.Config{RefusePrivate: true, Allow: []string{"127.0.0.1:" + at}}, "127.0.0.1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Resolver = names
			client := newClient(t, tt.cfg)
			url := "http://" + tt.host + ":" + at + "/"
			if tt.refused != "" {
				wantRefused(t, client, url, tt.refused)
			} else if got := get(t, client, url); got != "hello" {
				t.Errorf("GET %s = %q, want hello", url, got)
			}
		})
	}
}

func TestRequestsSayWhoSendsThem(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.UserAgent()) })
	if got := get(t, newClient(t, outbound.Config{Version: "1.2.3"}), server.URL); got != "sluice/1.2.3" {
		t.Errorf("User-Agent %q, want sluice/1.2.3", got)
	}
}

func TestHeadersOfAnAnswerAreBounded(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 100_000)) })
	if response, err := newClient(t, outbound.Config{}).Get(server.URL); err == nil {
		response.Body.Close()
		t.Error("an answer with headers of 100 kB was taken")
	}
}

func newClient(t *testing.T, cfg outbound.Config) *http.Client {
	t.Helper()
	client, err := outbound.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

func port(server *httptest.Server) string {
	return server.URL[strings.LastIndexByte(server.URL, ':')+1:]
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// wantRefused asks and expects Denied, with a message and a fix.
func wantRefused(t *testing.T, client *http.Client, url, message string) {
	t.Helper()
	response, err := client.Get(url)
	if err == nil {
		response.Body.Close()
	}
	var refused *sluice.Error
	if !errors.As(err, &refused) || refused.Code != sluice.Denied || !strings.Contains(refused.Message, message) || len(refused.Fixes) == 0 {
		t.Errorf("GET %s: %v, want a refusal with %q and what to do", url, err, message)
	}
}

// nameServer answers every question for an address with the one of the name.
func nameServer(t *testing.T, addressOf func(name string) string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		question := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(question)
			if err != nil {
				return
			}
			socket.WriteTo(dnsAnswer(question[:n], addressOf), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

// dnsAnswer answers a question with one name in it, as RFC 1035 lays it out.
func dnsAnswer(question []byte, addressOf func(string) string) []byte {
	const header = 12
	var labels []string
	end := header
	for question[end] != 0 {
		size := int(question[end])
		labels = append(labels, string(question[end+1:end+1+size]))
		end += 1 + size
	}
	kind := question[end+2]
	answer := append([]byte(nil), question[:end+5]...)
	copy(answer[2:header], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	if kind != 1 { // no addresses but those of IPv4
		return answer
	}
	answer[7] = 1
	ip := netip.MustParseAddr(addressOf(strings.Join(labels, "."))).As4()
	answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(answer, ip[:]...)
}
