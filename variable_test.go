package sluice_test

import (
	"testing"

	"github.com/sluice-dev/sluice"
)

// TestSecretValue is the one judgement of values: what gives itself away as a
// credential, whatever its key.
func TestSecretValue(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"":                                       false,
		"gpt-4o":                                 false,
		"https://example.com/a?b=c@d":            false,
		"postgres://alice@db/x":                  false,
		"postgres://alice:hush@db/x":             true,
		" redis://:hush@cache:6379/0\n":          true,
		"postgres://alice:hu%sh@db/x":            true, // which cannot be told
		"-----BEGIN CERTIFICATE-----\nMIIB":      false,
		"-----BEGIN PUBLIC KEY-----\nMIIB":       false,
		"a PRIVATE KEY has a line BEGIN":         false,
		"-----BEGIN PRIVATE KEY-----\nMIIE":      true,
		"-----BEGIN RSA PRIVATE KEY-----\r\nMII": true,
		"-----BEGIN EC PRIVATE KEY-----":         true,
		"-----BEGIN ENCRYPTED PRIVATE KEY-----":  true,
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb": true,
		`-----BEGIN PRIVATE KEY-----\\nMIIE`:     true, // in one line
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIE": true,
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ":                                                     true,
	} {
		if got := sluice.SecretValue(value); got != want {
			t.Errorf("%q: got %t, want %t", value, got, want)
		}
	}
}
