package coordinator

import (
	"encoding/json"
	"net"
	"os"
	"strings"
)

// maxSlots bounds what a worker may claim, so that one line of JSON cannot
// draw every task of the queue to one worker.
const maxSlots = 1 << 16

// Registration is the data of a worker's znode: what it says about itself.
type Registration struct {
	Name    string            `json:"name,omitempty"`    // the worker's; several instances over time
	Addr    string            `json:"addr,omitempty"`    // "host:port" of its HTTP server
	Slots   int               `json:"slots,omitempty"`   // tasks it runs at once
	Labels  map[string]string `json:"labels,omitempty"`  // what tasks may ask for
	Host    string            `json:"host,omitempty"`    // the machine
	PID     int               `json:"pid,omitempty"`     // of the worker on that machine
	Version string            `json:"version,omitempty"` // of mw

	// Marks: it writes into an assignment that it has started, if that says how
	// many attempts were lost. See [Assignment].
	Marks bool `json:"marks,omitempty"`

	// Stopping is how many commands it is stopping that were cancelled: they
	// still take slots.
	Stopping int `json:"stopping,omitempty"`

	// Draining: it takes no more tasks, and leaves when those it runs have
	// ended.
	Draining bool `json:"draining,omitempty"`
}

// ParseRegistration reads a worker's data. A text that is no JSON object, such
// as "host:port", is the address of a worker with one slot.
func ParseRegistration(data []byte) Registration {
	var r Registration
	if isJSONObject(data) {
		_ = json.Unmarshal(data, &r) // what is of the wrong type stays zero
	} else {
		r.Addr = strings.ToValidUTF8(strings.TrimSpace(string(data)), "\uFFFD")
	}
	r.Slots = min(max(r.Slots, 1), maxSlots)
	r.Stopping = min(max(r.Stopping, 0), maxSlots)
	return r
}

// Encode returns the registration as [ParseRegistration] reads it.
func (r Registration) Encode() []byte { return encodeJSON(r) }

// Advertise names the address of a listener so that others can use it, for a
// registration or /master: one that listens everywhere is reached by the host's
// name.
func Advertise(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil || !net.ParseIP(host).IsUnspecified() {
		return addr.String()
	}
	if name, err := os.Hostname(); err == nil {
		host = name
	}
	return net.JoinHostPort(host, port)
}
