// Package scriptumv1 is the wire format of Scriptum's service, generated from
// scriptum.proto beside it. It must hold nothing that is written by hand.
//
//go:generate ../../../../scripts/generate.sh
package scriptumv1
