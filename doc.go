// Package mw is the root of a distributed task queue: see README.md for what
// it does and DESIGN in each package's doc for how. The program is cmd/mw; the
// packages to import are submit, worker, master, coordinator and zkserver.
package mw
