package zkshell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The keys of a statsTrack.
const (
	trackCount     = "count"
	trackBytes     = "bytes"
	trackHardCount = "countHardLimit"
	trackHardBytes = "byteHardLimit"
)

// A statsTrack is the content of a quota's znodes: limits or what is used. A key that
// is missing, like one that is -1, is no limit.
type statsTrack map[string]int64

// parseTrack reads count=1,bytes=2=;byteHardLimit=3;countHardLimit=4 and what
// older releases wrote. It skips what it cannot read.
func parseTrack(text string) statsTrack {
	t := make(statsTrack)
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		kv := strings.Split(pair, "=")
		if len(kv) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(kv[1], 10, 64); err == nil {
			t[kv[0]] = n
		}
	}
	return t
}

func (t statsTrack) get(key string) int64 {
	if n, ok := t[key]; ok {
		return n
	}
	return -1
}

// String is what Apache ZooKeeper 3.8 writes: the equals sign before the hard limits
// is its own slip, which its readers expect.
func (t statsTrack) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "count=%d,bytes=%d", t.get(trackCount), t.get(trackBytes))
	var more []string
	for key := range t {
		if key != trackCount && key != trackBytes {
			more = append(more, key)
		}
	}
	if len(more) > 0 {
		b.WriteByte('=')
	}
	slices.Sort(more)
	for _, key := range more {
		fmt.Fprintf(&b, ";%s=%d", key, t[key])
	}
	return b.String()
}

// warnings says where a limit is already below what is used.
func (t statsTrack) warnings(used statsTrack) string {
	below := func(key, usedKey string) bool { return t.get(key) > -1 && t.get(key) < used.get(usedKey) }
	var b strings.Builder
	if below(trackCount, trackCount) || below(trackHardCount, trackCount) {
		fmt.Fprintf(&b, "[Warning]: the count quota you create is less than the existing count:%d\n", used.get(trackCount))
	}
	if below(trackBytes, trackBytes) || below(trackHardBytes, trackBytes) {
		fmt.Fprintf(&b, "[Warning]: the bytes quota you create is less than the existing bytes:%d\n", used.get(trackBytes))
	}
	return b.String()
}
