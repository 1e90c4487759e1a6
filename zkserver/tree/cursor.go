package tree

import (
	"encoding/binary"
	"errors"
)

// A cursor reads the records of a section. The first fault latches; what is
// read after it is zero.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = errors.New(what)
	}
	c.rest = nil
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.fail("number damaged")
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// bytes gives the next n bytes, as part of the section.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.fail("record longer than its section")
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) acl() []ACL {
	count := c.uvarint()
	if count == 0 || count > maxACL {
		c.fail("ACL with no or too many entries")
		return nil
	}
	acl := make([]ACL, 0, min(count, 8))
	for range count {
		a := ACL{}
		if b := c.bytes(4); b != nil {
			a.Perms = int32(binary.BigEndian.Uint32(b))
		}
		a.Scheme = string(c.bytes(c.uvarint()))
		a.ID = string(c.bytes(c.uvarint()))
		acl = append(acl, a)
	}
	return acl
}
