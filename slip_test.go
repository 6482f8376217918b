package sluice

import "testing"

func TestSlip(t *testing.T) {
	existing := []string{"staging", "prod", "production", "debug", "prod-us-west", "ab-test-a", "canary-1", "shard7", "benchmark-old"}
	slips := map[string]string{
		"prdo": "prod", "stagng": "staging", "debgu": "debug", "ebug": "debug", "Prodd": "prod", "prodution": "production",
		"prod-us-wset": "prod-us-west", "prd-us-west": "prod-us-west", "ab-tset-a": "ab-test-a", "canray-1": "canary-1", "benchmark-odl": "benchmark-old",
	}
	for name, want := range slips {
		if got := Slip(name, existing); got != want {
			t.Errorf("Slip(%q) is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"ab-test-b", "prod-us-east", "prod-us-west-2", "prod-eu-west", "canary-2", "canary-12", "shard8", "shard12", "prod-2",
		"benchmark-new", "debug-alice", "prod", "PROD",
	} {
		if got := Slip(name, existing); got != "" {
			t.Errorf("Slip(%q) is %q, want none: the name belongs to a series", name, got)
		}
	}
}
