// Package gitsync is the traffic between a Git repository and Sluice's services:
// it writes versions and releases into Git as tags and commits, reads those of
// others, and hands them to the services to be recorded.
//
// What is written is a pure function of what is in the ledger, so that writing it
// twice gives the same objects, and every reader is strict, since what comes from
// a repository may be anybody's: names.go has the names of refs, message.go and
// release_message.go the words in tags and commits, manifest.go the file that says
// what is live.
//
// It never starts git itself but through gitrepo, it never writes the database but
// through the services, and the values of variables never pass through it: only
// their fingerprints do.
package gitsync
