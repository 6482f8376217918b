// Package cli is the command line. Each command reads its arguments into a
// request, asks one of the services of package sluice through package client, and
// prints the answer. It decides nothing: rules are in the root package, and
// whether the services are a server far away or one opened in this process makes
// no difference to a command.
//
// Standard output carries the answer alone, so that it can be piped; notes,
// questions and errors go to standard error. Everything that comes from outside
// is in [Process]: there are no globals.
package cli
