package tree

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Quotas are kept as in the reference (Administrator's Guide, "Quotas";
// DataTree, StatsTrack): a client says what /a may have in the data of
// /zookeeper/quota/a/zookeeper_limits, and the tree counts what it has in that of
// /zookeeper/quota/a/zookeeper_stats, which a client creates first. The counting
// changes nothing else of that znode: not its version, nor does a watch hear of it.
const (
	quotaLimitsName = "zookeeper_limits"
	quotaStatsName  = "zookeeper_stats"
)

// maxTrack is how long the data of a quota znode may be: it is read and written
// again at each write below the quota.
const maxTrack = 1 << 10

// A track is the data of a quota znode: numbers by name. What has no name in it
// is -1.
type track []trackField

type trackField struct {
	name  string
	value int64
}

const (
	trackCount     = "count"
	trackBytes     = "bytes"
	trackHardCount = "countHardLimit"
	trackHardBytes = "byteHardLimit"
)

// parseTrack reads "count=4,bytes=5=;countHardLimit=10;byteHardLimit=10", the
// separators being whatever mix of commas and semicolons. The last one of a name
// counts.
func parseTrack(data []byte) (track, bool) {
	if len(data) > maxTrack {
		return nil, false
	}
	var t track
	s := strings.TrimRight(string(data), ",;")
	for s != "" {
		end := strings.IndexAny(s, ",;")
		field := s
		if end >= 0 {
			field, s = s[:end], strings.TrimLeft(s[end:], ",;")
		} else {
			s = ""
		}
		name, rest, ok := strings.Cut(strings.TrimRight(field, "="), "=")
		if !ok {
			return nil, false
		}
		text, _, _ := strings.Cut(rest, "=")
		value := int64(-1)
		if text != "" {
			var err error
			if value, err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, false
			}
		}
		t.set(name, value)
	}
	return t, true
}

func (t track) get(name string) int64 {
	for _, f := range t {
		if f.name == name {
			return f.value
		}
	}
	return -1
}

func (t *track) set(name string, value int64) {
	for i := range *t {
		if (*t)[i].name == name {
			(*t)[i].value = value
			return
		}
	}
	*t = append(*t, trackField{name, value})
}

// encode writes the form that parsers of 3.4 can read, too: count, then bytes,
// and what else there is, by name, behind an "=" that makes them stop.
func (t track) encode() []byte {
	var b []byte
	b = append(b, "count="...)
	b = strconv.AppendInt(b, t.get(trackCount), 10)
	b = append(b, ",bytes="...)
	b = strconv.AppendInt(b, t.get(trackBytes), 10)
	others := slices.DeleteFunc(slices.Clone(t), func(f trackField) bool {
		return f.name == trackCount || f.name == trackBytes
	})
	slices.SortFunc(others, func(a, b trackField) int { return strings.Compare(a.name, b.name) })
	if len(others) > 0 {
		b = append(b, '=')
	}
	for _, f := range others {
		b = append(b, ';')
		b = append(b, f.name...)
		b = append(b, '=')
		b = strconv.AppendInt(b, f.value, 10)
	}
	return b
}

// quotaZnode splits the path of a quota znode into the path that it is about, ""
// for none, and its own name.
func quotaZnode(path string) (of, name string, ok bool) {
	below, ok := strings.CutPrefix(path, quotaPath+"/")
	if !ok {
		return "", "", false
	}
	slash := strings.LastIndexByte(below, '/')
	name = below[slash+1:]
	if name != quotaLimitsName && name != quotaStatsName {
		return "", "", false
	}
	return path[len(quotaPath) : len(path)-len(name)-1], name, true
}

// checkQuotaData refuses what is not the data of a quota znode where one is
// written, and a quota of the root. Apache ZooKeeper 3.8.0 takes both, and does
// not start any more (CVE-2026-100300).
func checkQuotaData(txn *Txn, path string, data []byte) error {
	if txn.Rules&AnyQuotaData != 0 {
		return nil
	}
	of, _, ok := quotaZnode(path)
	if !ok {
		return nil
	}
	if _, sound := parseTrack(data); !sound || of == "" {
		return ErrBadArguments
	}
	return nil
}

// linkQuota and unlinkQuota keep quotas in step with the znodes.
func (t *Tree) linkQuota(n *node) {
	if of, name, ok := quotaZnode(n.path); ok && of != "" && name == quotaLimitsName {
		t.quotas.add(of)
	}
}

func (t *Tree) unlinkQuota(n *node) {
	if of, name, ok := quotaZnode(n.path); ok && of != "" && name == quotaLimitsName {
		t.quotas.remove(of)
	}
}

// track gives the numbers of a quota znode. Unsound ones, which only an import
// can have brought, are as none.
func (t *Tree) track(of, name string) (*node, track) {
	n := t.find(quotaPath + of + "/" + name)
	if n == nil {
		return nil, nil
	}
	numbers, _ := parseTrack(n.data)
	return n, numbers
}

// allowance answers a write that adds so many bytes and znodes at path: with
// ErrQuotaExceeded when that is above a hard limit. A soft limit that it is above
// is noted in the result. The stats of the moment count, so also what earlier
// operations of the same multi did.
func (t *Tree) allowance(txn *Txn, path string, size, count int64, r *Result) error {
	if txn.Rules&EnforceQuota == 0 {
		return nil
	}
	of := t.quotas.longest(path)
	if of == "" {
		return nil
	}
	_, limits := t.track(of, quotaLimitsName)
	stats, used := t.track(of, quotaStatsName)
	if stats == nil {
		return nil
	}
	over := func(diff int64, soft, hard string) error {
		if diff == 0 || limits.get(soft) < 0 && limits.get(hard) < 0 {
			return nil
		}
		now := used.get(soft) + diff
		switch {
		case limits.get(hard) >= 0 && now > limits.get(hard):
			return ErrQuotaExceeded
		case limits.get(hard) < 0 && now > limits.get(soft):
			r.OverQuota = of
		}
		return nil
	}
	if err := over(count, trackCount, trackHardCount); err != nil {
		return err
	}
	return over(size, trackBytes, trackHardBytes)
}

// charge counts a change of so many bytes and znodes at path.
func (t *Tree) charge(path string, size, count int64) {
	of := t.quotas.longest(path)
	if of == "" {
		return
	}
	old, used := t.track(of, quotaStatsName)
	if old == nil {
		return
	}
	used.set(trackCount, used.get(trackCount)+count)
	used.set(trackBytes, used.get(trackBytes)+size)
	t.setTrack(old, used)
}

// setTrack changes the data of a stats znode, and nothing else of it.
func (t *Tree) setTrack(old *node, numbers track) {
	data := numbers.encode()
	if bytes.Equal(old.data, data) {
		return
	}
	n := *old
	n.data = data
	t.replace(n.path, &n)
}

// recount makes the stats of a quota anew.
func (t *Tree) recount(of string) {
	n, _ := t.track(of, quotaStatsName)
	if n == nil {
		return
	}
	count, size := t.sizeOf(of)
	t.setTrack(n, track{{trackCount, count}, {trackBytes, size}})
}

// RecountQuotas makes the stats of all quotas anew: for the snapshot of a program
// that did not keep them. It is in one order for all members, since the stats of
// one quota may be below another.
func (t *Tree) RecountQuotas() {
	for _, of := range slices.Sorted(slices.Values(t.quotas.all())) {
		t.recount(of)
	}
}
