package zkshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mwqueue/mw/zkserver/wire"
)

// Where quotas are kept: /zookeeper/quota and the path, with the limits and what is
// used in a child each.
const (
	quotaRoot  = "/zookeeper/quota"
	limitsNode = "zookeeper_limits"
	statsNode  = "zookeeper_stats"
)

// quotaKeys is what the options of setquota and delquota are about.
var quotaKeys = map[string]string{"n": trackCount, "b": trackBytes, "N": trackHardCount, "B": trackHardBytes}

func quotaFlags(hasValue bool) []option {
	all := []option{flag("n", "num soft quota"), flag("b", "bytes soft quota"), flag("N", "num hard quota"), flag("B", "bytes hard quota")}
	for i := range all {
		all[i].hasValue = hasValue
	}
	return all
}

// limit reads the one option of setquota. A complaint is printed and is no error: so
// it is in zkCli.
func limit(p parsed) (key string, n int64, complaint string) {
	for name, text := range p.values {
		key = quotaKeys[name]
		bits := 64
		if key == trackCount || key == trackHardCount {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		switch {
		case err != nil:
			return key, 0, "NumberFormatException happens when parsing the option value"
		case bits == 32 && n <= 0:
			return key, 0, "the num quota must be greater than zero"
		case n < 0:
			return key, 0, "the bytes quota must be greater than or equal to zero"
		}
		return key, n, ""
	}
	return "", 0, ""
}

func setQuota(ctx context.Context, k *call) error {
	path := k.args[1]
	if strings.HasPrefix(path, quotaRoot) {
		fmt.Fprintln(k.err, "cannot set a quota under the path: "+quotaRoot)
		return nil
	}
	key, n, complaint := limit(k.parsed)
	if complaint != "" {
		fmt.Fprintln(k.err, complaint)
		return nil
	}
	switch _, err := k.exists(ctx, path, false); {
	case is(err, wire.NoNode):
		return failf("%s does not exist.", path)
	case err != nil:
		return err
	}
	if err := k.noOtherQuota(ctx, path); err != nil {
		return err
	}
	if err := k.makeAll(ctx, quotaRoot+path); err != nil {
		return err
	}
	return k.limit(ctx, path, key, n)
}

// limit writes one limit of the quota whose znode exists.
func (k *call) limit(ctx context.Context, path, key string, n int64) error {
	limits, stats := quotaRoot+path+"/"+limitsNode, quotaRoot+path+"/"+statsNode
	_, err := k.exists(ctx, limits, false)
	if err != nil && !is(err, wire.NoNode) {
		return err
	}
	made := err != nil
	if made {
		t := statsTrack{trackCount: -1, trackBytes: -1, trackHardCount: -1, trackHardBytes: -1}
		t[key] = n
		if err := k.make(ctx, limits, []byte(t.String())); err != nil {
			return err
		}
		if err := k.make(ctx, stats, []byte(statsTrack{trackCount: 0, trackBytes: 0}.String())); err != nil {
			return err
		}
	}
	data, _, err := k.get(ctx, limits, false)
	if err != nil {
		return err
	}
	t := parseTrack(string(data))
	t[key] = n
	data, _, err = k.get(ctx, stats, false)
	if err != nil {
		return err
	}
	io.WriteString(k.out, t.warnings(parseTrack(string(data))))
	if made {
		return nil
	}
	_, err = k.set(ctx, limits, []byte(t.String()), -1)
	return err
}

// makeAll makes the znodes of path that are missing.
func (k *call) makeAll(ctx context.Context, path string) error {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		_, err := k.exists(ctx, path[:i], false)
		if is(err, wire.NoNode) {
			err = k.make(ctx, path[:i], nil)
		}
		if err != nil && !is(err, wire.NodeExists) {
			return err
		}
	}
	return nil
}

// noOtherQuota makes sure that nothing below or above path has a quota.
func (k *call) noOtherQuota(ctx context.Context, path string) error {
	err := k.walk(ctx, quotaRoot+path, false, func(at string) error {
		names, _, err := k.children(ctx, at, false)
		if is(err, wire.NoNode) {
			return nil
		}
		if err == nil && at != quotaRoot+path && slices.Contains(names, limitsNode) {
			return failf("%s has a child %s which has a quota", path, strings.TrimPrefix(at, quotaRoot))
		}
		return err
	})
	if err != nil && !is(err, wire.NoNode) {
		return err
	}
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		names, _, err := k.children(ctx, quotaRoot+path[:i], false)
		if is(err, wire.NoNode) || err == nil && len(names) == 0 {
			return nil
		}
		if err == nil && slices.Contains(names, limitsNode) {
			return failf("%s has a parent %s which has a quota", path, path[:i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func listQuota(ctx context.Context, k *call) error {
	path := k.args[1]
	fmt.Fprintf(k.err, "absolute path is %s%s/%s\n", quotaRoot, path, limitsNode)
	limits, _, err := k.get(ctx, quotaRoot+path+"/"+limitsNode, false)
	if err == nil {
		var used []byte
		if used, _, err = k.get(ctx, quotaRoot+path+"/"+statsNode, false); err == nil {
			fmt.Fprintf(k.out, "Output quota for %s %s\n", path, parseTrack(string(limits)))
			fmt.Fprintf(k.out, "Output stat for %s %s\n", path, parseTrack(string(used)))
		}
	}
	return k.noQuota(err, path)
}

// noQuota prints, as zkCli does, that there is no quota, which is then no error.
func (k *call) noQuota(err error, path string) error {
	if is(err, wire.NoNode) {
		fmt.Fprintf(k.err, "quota for %s does not exist.\n", path)
		return nil
	}
	return err
}

func delQuota(ctx context.Context, k *call) error {
	path := k.args[1]
	limits := quotaRoot + path + "/" + limitsNode
	data, _, err := k.get(ctx, limits, false)
	switch {
	case is(err, wire.NoNode):
		fmt.Fprintf(k.out, "Quota does not exist for %s\n", path)
		return nil
	case err != nil:
		return err
	case len(k.values) > 0:
		t := parseTrack(string(data))
		for name := range k.values {
			t[quotaKeys[name]] = -1
		}
		_, err = k.set(ctx, limits, []byte(t.String()), -1)
		return err
	}
	return k.noQuota(k.dropQuota(ctx, quotaRoot+path), path)
}

// dropQuota deletes a quota's znodes, and those above it that it leaves empty.
func (k *call) dropQuota(ctx context.Context, at string) error {
	names, _, err := k.children(ctx, at, false)
	for _, name := range names {
		err = errors.Join(err, k.delete(ctx, join(at, name), -1))
	}
	for err == nil && at != quotaRoot {
		if names, _, err = k.children(ctx, at, false); err != nil || len(names) > 0 {
			break
		}
		err = k.delete(ctx, at, -1)
		at = at[:strings.LastIndexByte(at, '/')]
	}
	return err
}
