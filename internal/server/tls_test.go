package server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-dev/sluice"
	"github.com/sluice-dev/sluice/client"
	"github.com/sluice-dev/sluice/internal/server"
	"github.com/sluice-dev/sluice/internal/sluicetest"
)

// trusting is a transport that trusts one certificate.
func trusting(t *testing.T, cert string) *http.Transport {
	t.Helper()
	b, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
}

// TestTLS speaks to a server over TLS, in both versions of HTTP: questions,
// changes and a watch.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := sluicetest.Certificate(t, t.TempDir(), "localhost")
	s := start(t, server.Config{Data: t.TempDir(), TLSCert: cert, TLSKey: key})
	if !strings.HasPrefix(s.URL(), "https://") {
		t.Fatalf("the server is at %s", s.URL())
	}
	for _, http2 := range []bool{true, false} {
		transport := trusting(t, cert)
		if transport.ForceAttemptHTTP2 = http2; !http2 {
			transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		c := connect(t, client.Config{Server: s.URL(), Token: s.FirstToken(), Transport: transport})
		watchOne(t, c, func() {
			value := time.Now().String()
			if _, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Variable: "A", Value: &value}}}); err != nil {
				t.Fatal(err)
			}
		})
	}
	c := connect(t, client.Config{Server: "https://" + s.Addr(), Token: s.FirstToken()})
	if _, err := c.Info(t.Context()); sluice.CodeOf(err) != sluice.Unavailable {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

// watchOne sees a snapshot and then what a change makes.
func watchOne(t *testing.T, c *client.Client, change func()) {
	t.Helper()
	for event, err := range c.Watch(t.Context(), sluice.WatchRequest{Environment: "production"}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case event.Type == sluice.EventSnapshot:
			change()
		case event.Type == sluice.EventRelease:
			return
		}
	}
	t.Fatal("the watch ended")
}

// TestUnencryptedHTTP2 is what gRPC without TLS needs; the rest must work over it.
func TestUnencryptedHTTP2(t *testing.T) {
	t.Parallel()
	s := start(t, server.Config{Data: t.TempDir()})
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	c := connect(t, client.Config{Server: s.URL(), Token: s.FirstToken(), Transport: &http.Transport{Protocols: &protocols}})
	watchOne(t, c, func() { publishAndDeploy(t, c) })
}

func publishAndDeploy(t *testing.T, c *client.Client) {
	t.Helper()
	publish(t, c, "v1.0.0", "one")
	if _, err := c.Deploy(t.Context(), sluice.DeployRequest{Environment: "production", Changes: []sluice.ChangeRequest{{Component: "my-prompt", Version: "v1.0.0"}}}); err != nil {
		t.Fatal(err)
	}
}

func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	cert, key := sluicetest.Certificate(t, t.TempDir(), "localhost")
	_, foreign := sluicetest.Certificate(t, t.TempDir(), "localhost")
	ended, endedKey := sluicetest.CertificateUntil(t, t.TempDir(), "localhost", time.Now().Add(-time.Hour))
	gone := filepath.Join(t.TempDir(), "gone.pem")
	for want, cfg := range map[string]server.Config{
		"TLS needs a certificate and its key":   {TLSCert: cert},
		"gone.pem cannot be read: no such file": {TLSCert: cert, TLSKey: gone},
		"are not a certificate and its key":     {TLSCert: cert, TLSKey: foreign},
		"ended on":                              {TLSCert: ended, TLSKey: endedKey},
		"key.pem are not a certificate":         {TLSCert: key, TLSKey: key},
	} {
		cfg.Data, cfg.Listen = t.TempDir(), "127.0.0.1:0"
		s, err := server.Open(t.Context(), cfg)
		if err == nil {
			s.Close()
		}
		if sluice.CodeOf(err) != sluice.Invalid || !strings.Contains(err.Error(), want) || len(sluice.AsError(err).Fixes) == 0 {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestRenewal replaces the files while the server runs. Files that are bad leave
// the old certificate.
func TestRenewal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := sluicetest.Certificate(t, dir, "localhost")
	s := start(t, server.Config{Data: t.TempDir(), TLSCert: cert, TLSKey: key})
	old := trusting(t, cert)
	ask := func(transport *http.Transport) error {
		_, err := connect(t, client.Config{Server: s.URL(), Token: s.FirstToken(), Transport: transport, Tries: 1}).Info(t.Context())
		return err
	}
	if err := ask(old); err != nil {
		t.Fatal(err)
	}
	touched := time.Now()
	touch := func() { // a file system may not tell two moments apart
		touched = touched.Add(time.Second)
		if err := os.Chtimes(cert, touched, touched); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(cert, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch()
	if err := ask(old); err != nil {
		t.Errorf("a bad file took the certificate away: %v", err)
	}
	sluicetest.Certificate(t, dir, "localhost")
	touch()
	if err := ask(trusting(t, cert)); err != nil {
		t.Errorf("the new certificate is not used: %v", err)
	}
	if err := ask(old); err == nil {
		t.Error("the old certificate is still used")
	}
}

// TestListeningInTheClear warns of an address that others reach without TLS.
func TestListeningInTheClear(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"0.0.0.0:0": true, "127.0.0.1:0": false} {
		var log bytes.Buffer
		s, err := server.Open(t.Context(), server.Config{Data: t.TempDir(), Listen: listen, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(log.String(), "TLS is off"); got != want {
			t.Errorf("listening on %s: the log is %s", listen, log.String())
		}
	}
}
