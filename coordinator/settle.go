//go:build !race

package coordinator

// settleTime is not waited without the race detector; see settle_race.go.
const settleTime = 0
