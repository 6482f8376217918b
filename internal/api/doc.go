// Package api answers the REST interface: it reads requests, calls the services
// of the root package and writes their answers. The shapes on the wire are the
// nouns' own; this package adds paths, headers and query parameters. It holds no
// rule and no state of the domain, and it never imports the store or the use
// cases: it is handed the services.
package api
