package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
)

// create makes an empty database and returns its name. It copies template0,
// to which nobody can be connected, because a template in use cannot be copied.
func (c *Cluster) create(ctx context.Context) (name string, err error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	name = "sluice_" + hex.EncodeToString(id[:])
	return name, c.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE template0")
}

// drop removes a database together with the connections that a test left open.
func (c *Cluster) drop(ctx context.Context, name string) error {
	return c.admin(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// admin runs one statement in the database that the server's own URL names.
func (c *Cluster) admin(ctx context.Context, statement string) (err error) {
	maintenance := strings.TrimPrefix(c.server.Path, "/")
	if maintenance == "" {
		maintenance = "postgres"
	}
	db, err := sql.Open("pgx", c.url(maintenance))
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	_, err = db.ExecContext(ctx, statement)
	return err
}
