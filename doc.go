// Package sluice holds the nouns and the rules of a release control plane for
// AI components: what a version, an environment, a release and a manifest are,
// and what a change does to them.
//
// The one idea is Git for what is live. A [Version] is a blob, an environment's
// [Manifest] is a tree, a [Release] is a commit and an [Environment] is a branch
// that only moves forward. Everything that changes what runs appends one release
// to one environment, so history, audit, as-of queries and restore are the same
// read over the same data.
//
// The rules are functions over plain values: they read through [Past] and they
// write nothing. Packages below internal/ load, ask the rules, and commit. This
// package imports the standard library only and knows no storage, no transport
// and no clock.
package sluice
