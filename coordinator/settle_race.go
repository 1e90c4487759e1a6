//go:build race

package coordinator

import "time"

// settleTime is waited after the first connection, under the race detector
// only. The library ends its first handshake with a look at its watches and,
// should there be one already, at the newest zxid, without a lock. That is
// harmless: the server has just been given that watch. But the detector reports
// it when the machine is so busy that a whole round trip fits in between, and
// nothing tells when the library is past it.
const settleTime = 50 * time.Millisecond
