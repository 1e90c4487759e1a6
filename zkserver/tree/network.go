package tree

import (
	"net/netip"
	"strconv"
	"strings"
)

// A network is what an ip ACL names: an address and how many of its leading
// bits count.
type network struct{ prefix netip.Prefix }

// parseNetwork reads "address" or "address/bits". IPv4 is read as loosely as
// by the reference, which takes "01.2.3.4" and "10.0.0.0/+8"; IPv6 it does not
// take at all.
func parseNetwork(s string) (network, bool) {
	s, bits, cut := strings.Cut(s, "/")
	addr, ok := parseAddr(s)
	if !ok {
		return network{}, false
	}
	n := addr.BitLen()
	if cut {
		var err error
		if n, err = strconv.Atoi(bits); err != nil {
			return network{}, false
		}
	}
	prefix, err := addr.Prefix(n)
	return network{prefix}, err == nil
}

func (n network) has(s string) bool {
	addr, ok := parseAddr(s)
	return ok && n.prefix.Contains(addr)
}

func parseAddr(s string) (netip.Addr, bool) {
	if strings.Contains(s, ":") {
		addr, err := netip.ParseAddr(s)
		return addr.Unmap(), err == nil && addr.Zone() == ""
	}
	var addr [4]byte
	parts := strings.SplitN(s, ".", 5)
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		b, err := strconv.Atoi(part)
		if err != nil || b < 0 || b > 255 {
			return netip.Addr{}, false
		}
		addr[i] = byte(b)
	}
	return netip.AddrFrom4(addr), true
}
