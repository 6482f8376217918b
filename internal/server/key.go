package server

import "github.com/sluice-dev/sluice/internal/seal"

// NewMasterKey makes a master key, as text.
func NewMasterKey() (string, error) { return seal.NewIdentity() }
