// Package wire turns the bytes of ZooKeeper's client protocol into records and
// back, in both directions.
package wire
