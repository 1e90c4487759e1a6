package zkserver

import "context"

// A simPlant is a bug that is put in, to see that it is noticed.
type simPlant int

const (
	noPlant simPlant = iota
	skippedSync
)

func (m *simServer) plant(context.Context) {}
