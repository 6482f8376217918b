package server

import (
	"log"
	"log/slog"
)

// quiet sends what net/http reports about broken clients to the log as details,
// not as failures of the server.
func quiet(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }
