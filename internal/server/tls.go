package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sluice-dev/sluice"
)

// certificates serves the certificate of two files, and the new one when they
// change, so that a renewal needs no restart.
type certificates struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]time.Time // when the files were changed last
}

// loadCertificates reads the files. Invalid when they are not a certificate and
// its key that are good now.
func loadCertificates(cert, key string, log *slog.Logger) (*certificates, error) {
	if cert == "" || key == "" {
		return nil, sluice.Errorf(sluice.Invalid, "TLS needs a certificate and its key").Fix("give both: --tls-cert FILE --tls-key FILE")
	}
	c := &certificates{cert: cert, key: key, log: log}
	return c, c.load()
}

func (c *certificates) load() error {
	stamp, err := c.stamps()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return sluice.Errorf(sluice.Invalid, "%s and %s are not a certificate and its key: %w", c.cert, c.key, err).
			Fix("give PEM files that belong together; the certificate comes first in its file, then those that vouch for it")
	}
	leaf := pair.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return sluice.Errorf(sluice.Invalid, "the certificate in %s cannot be read: %w", c.cert, err)
		}
	}
	if now := time.Now(); now.After(leaf.NotAfter) {
		return sluice.Errorf(sluice.Invalid, "the certificate in %s ended on %s", c.cert, sluice.TimeOf(leaf.NotAfter)).Fix("renew it")
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

func (c *certificates) stamps() (out [2]time.Time, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			why := err
			if at := (*fs.PathError)(nil); errors.As(err, &at) {
				why = at.Err
			}
			return out, sluice.Errorf(sluice.Invalid, "%s cannot be read: %w", path, why).Fix("correct --tls-cert or --tls-key, or the file's mode")
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

// get is asked at each handshake. Files that are bad, as while one is
// renewed and the other not yet, leave the certificate that is there.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp, err := c.stamps(); err == nil && stamp != c.stamp {
		if err := c.load(); err != nil {
			c.log.Warn("the renewed certificate is not used", "error", err)
		} else {
			c.log.Info("the certificate was renewed")
		}
	}
	return c.current, nil
}
