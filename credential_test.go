package sluice_test

import (
	"strings"
	"testing"

	"github.com/sluice-dev/sluice"
)

// fake joins the parts of a made-up credential, so that the text of this file has
// none, and fills it up to the length that real ones have.
func fake(parts ...string) string {
	return strings.Join(parts, "") + strings.Repeat("Fake0Fake1", 4)[:36]
}

// TestTelling judges real forms of credentials under names that tell nothing, and
// what looks alike and must stay readable.
func TestTelling(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{"OPENAI", fake("sk-", "proj-"), true},
		{"CLAUDE", fake("sk-", "ant-api03-"), true},
		{"ROUTER", fake("sk-", "or-v1-"), true},
		{"OPENAI", fake("sk", "-"), true},
		{"HUB", fake("hf", "_"), true},
		{"GH", fake("gh", "p_"), true},
		{"GH", fake("gh", "s_"), true},
		{"GH", fake("github", "_pat_"), true},
		{"GL", fake("gl", "pat-"), true},
		{"STRIPE", fake("sk", "_live_"), true},
		{"STRIPE", fake("rk", "_test_"), true},
		{"SLACK", fake("xox", "b-1-"), true},
		{"SLACK", "https://hooks." + "slack.com/" + "services/T0FAKE/B0FAKE/fake", true},
		{"DISCORD", fake("https://discord.com/api/", "webhooks/1/"), true},
		{"AWS", "AKI" + "AFAKEFAKEFAKEFAKE", true},
		{"MAPS", fake("AI", "za"), true},
		{"NPM", fake("np", "m_"), true},
		{"MAIL", fake("S", "G.", "fakefakefakefake0", "."), true},
		{"SESSION", "eyJ" + "mYWtlZmFrZQ.eyJ" + "mYWtlZmFrZQ.ZmFrZWZha2U", true},
		{"HEADER", fake("Bear", "er "), true},
		{"HEADER", fake("Authorization: Bearer gh", "p_"), true},
		{"DB", "postgres://alice:" + "hush@db/x", true},
		{"DB", "alice:" + "hush@tcp(db:3306)/x", true},
		{"DB", "host=db user=alice pass" + "word=hush", true},
		{"DB", "Server=db;User=alice;P" + "wd=hush;", true},
		{"FILE", fake("https://storage.example.com/a?x-amz-sig", "nature="), true},
		{"CERT", "-----BEGIN " + "PRIVATE KEY-----\nMIIE", true},
		{"BASIC_AUTH", "f4Ke" + "Xq81LmZ0pTr5Vw2Yb7", true},
		{"SIGNING", hex, true},

		{"IMAGE", "sha256:" + hex, false},
		{"SESSION", "sha256:" + hex, false},
		{"COMMIT", hex[:40], false},
		{"REQUEST", "123e4567-e89b-12d3-a456-426614174000", false},
		{"SESSION", "123e4567-e89b-12d3-a456-426614174000", false},
		{"LLM_MODEL", "gpt-4o-mini-2024-07-18", false},
		{"LLM_MODEL", "claude-3-5-sonnet-20241022", false},
		{"LLM_MODEL", "meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo", false},
		{"LIBRARY", "sk-learn-pipeline-of-classifiers-2024", false},
		{"STRIPE", fake("pk", "_live_"), false}, // is published
		{"URL", "https://example.com/a?b=c@d&page=2", false},
		{"URL", "https://example.com/?token=abc", false},
		{"URL", "postgres://alice@db/x", false},
		{"SLACK", "https://app.slack.com/client/T0FAKE/C0FAKE", false},
		{"TEXT", "bearer of good news and other things", false},
		{"PASS_RATE", "0.95", false},
		{"AUTH_URL", "https://login.example.com/oauth2/v2.0/authorize", false},
		{"AUTH", "oauth2-client-credentials-flow", false},
		{"KEYS", "customer-1,customer-2,customer-3", false},
		{"MAX_TOKENS", "4096", false},
		{"SESSION_TIMEOUT", "30", false},
		{"COOKIE", "session-preferences-2024-11-12", false},
	} {
		if got := sluice.Telling(c.key, c.value); got != c.want {
			t.Errorf("%s=%q: got %t, want %t", c.key, c.value, got, c.want)
		}
	}
}

// TestSecretKey judges names alone.
func TestSecretKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"API_KEY", "api_token", "TOKEN", "DB_PASSWORD", "DB_PASSWD", "DB_PWD", "DB_PASS", "OPENAI_APIKEY", "GITHUB_PAT", "PASSPHRASE", "CREDENTIALS",
		"GOOGLE_CREDENTIALS", "CLIENT_SECRET", "SECRET_SAUCE", "ID_JWT", "AWS_SECRET_ACCESS_KEY", "AccessKey",
	} {
		if !sluice.SecretKey(key) {
			t.Errorf("%s looks like a credential's and is judged as plain", key)
		}
	}
	for _, key := range []string{"LLM_MODEL", "MAX_TOKENS", "PWD", "OLDPWD", "PASS_RATE", "BYPASS", "PATH", "COMPAT", "KEYBOARD", "MONKEY", "TOKENIZER", "AUTHOR", "DB_HOST", "KEY"} {
		if sluice.SecretKey(key) {
			t.Errorf("%s is judged as a credential's", key)
		}
	}
}
