package zoocfg

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// A Server is a member of an ensemble, as a server.N line has it.
type Server struct {
	ID        int
	Addresses []Address // at least one
	Observer  bool

	// ClientAddress and ClientPort are where it serves clients; 0: not said.
	ClientAddress string
	ClientPort    int
}

// An Address is where the other members reach one.
type Address struct {
	Host         string
	Port         int // where the other members reach this one
	ElectionPort int // of Apache ZooKeeper; not used here. 0: not said
}

// setMember honours server.N, group.N and weight.N.
func (c *Config) setMember(file string, line int, name, value string) error {
	fail := func(err error) error {
		return &Error{File: file, Line: line, Text: fmt.Sprintf("%s is %q, %v", name, value, err)}
	}
	kind, number, _ := strings.Cut(strings.TrimPrefix(name, "zookeeper."), ".")
	id, err := strconv.Atoi(number)
	if err != nil || id < 0 {
		return &Error{File: file, Line: line, Text: fmt.Sprintf("%s must have a number after the dot, as %s.1", name, kind)}
	}
	if kind != "server" {
		if c.Groups == nil {
			c.Groups = make(map[string]string)
		}
		c.Groups[kind+"."+strconv.Itoa(id)] = value
		return nil
	}
	if id > 255 {
		return &Error{File: file, Line: line, Text: fmt.Sprintf("%s: a server's number is from 0 to 255", name)}
	}
	s, err := parseServer(value, 2)
	if err != nil {
		return fail(err)
	}
	s.ID = id
	i, found := slices.BinarySearchFunc(c.Servers, s, func(a, b Server) int { return cmp.Compare(a.ID, b.ID) })
	if found {
		return &Error{File: file, Line: line, Text: fmt.Sprintf("%s is there twice: each server has its own number", name)}
	}
	c.Servers = slices.Insert(c.Servers, i, s)
	return nil
}

// ParseMember reads a member as "N=HOST:PORT", with all that a server.N line may
// have behind it.
func ParseMember(text string) (Server, error) {
	number, value, _ := strings.Cut(text, "=")
	id, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || id < 0 || id > 255 {
		return Server{}, errMember
	}
	s, err := parseServer(value, 1)
	if err != nil {
		return Server{}, errMember
	}
	s.ID = id
	return s, nil
}

var errMember = errors.New("must be N=HOST:PORT, with N from 0 to 255")

var errServer = errors.New("must be HOST:PORT:ELECTIONPORT[:participant|observer][;[ADDRESS:]CLIENTPORT]")

// parseServer reads what stands after "server.N=", with so many ports at least:
//
//	host:port:port[:role][|host:port:port…][;[address:]port]
func parseServer(v string, ports int) (Server, error) {
	var s Server
	members, client, hasClient := strings.Cut(v, ";")
	if hasClient {
		host, port := "", strings.TrimSpace(client)
		if i := strings.LastIndexByte(port, ':'); i >= 0 {
			host, port = strings.Trim(port[:i], "[]"), port[i+1:]
		}
		n, ok := parsePort(port)
		if !ok {
			return s, errServer
		}
		s.ClientAddress, s.ClientPort = host, n
	}
	for part := range strings.SplitSeq(members, "|") {
		host, rest, ok := cutHost(strings.TrimSpace(part))
		fields := strings.Split(rest, ":")
		role := "participant"
		if n := len(fields) - 1; n >= ports {
			if _, number := parsePort(fields[n]); !number {
				role, fields = strings.ToLower(fields[n]), fields[:n]
			}
		}
		if !ok || len(fields) < ports || len(fields) > 2 {
			return s, errServer
		}
		port, ok1 := parsePort(fields[0])
		election, ok2 := 0, true
		if len(fields) > 1 {
			election, ok2 = parsePort(fields[1])
		}
		if !ok1 || !ok2 {
			return s, errServer
		}
		switch role {
		case "participant":
		case "observer":
			s.Observer = true
		default:
			return s, errServer
		}
		s.Addresses = append(s.Addresses, Address{Host: host, Port: port, ElectionPort: election})
	}
	return s, nil
}

// cutHost takes the host off host:rest; an IPv6 address stands in brackets.
func cutHost(s string) (host, rest string, ok bool) {
	if v6, after, found := strings.Cut(strings.TrimPrefix(s, "["), "]:"); found && strings.HasPrefix(s, "[") {
		return v6, after, net.ParseIP(v6) != nil
	}
	host, rest, ok = strings.Cut(s, ":")
	return host, rest, ok && host != "" && !strings.ContainsAny(host, "[] ")
}

func parsePort(s string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	return int(n), err == nil && n > 0
}

// TakePart makes the configuration that of server id, which must be one of
// Servers: clients are served where its line says.
func (c *Config) TakePart(name string, id int) error {
	i := slices.IndexFunc(c.Servers, func(s Server) bool { return s.ID == id })
	if i < 0 {
		var ids []string
		for _, s := range c.Servers {
			ids = append(ids, strconv.Itoa(s.ID))
		}
		return &Error{File: name, Text: fmt.Sprintf("this server's number is %d, but the servers are %s: set myid, or --id, to the one whose line has this machine", id, strings.Join(ids, ", "))}
	}
	s := c.Servers[i]
	if s.ClientPort != 0 && c.ClientPort != 0 && c.Given("clientPort") && s.ClientPort != c.ClientPort {
		return &Error{File: name, Text: fmt.Sprintf("clientPort is %d, but server.%d ends with ;%d: remove the clientPort line", c.ClientPort, id, s.ClientPort)}
	}
	if s.ClientPort != 0 {
		c.ClientPort = s.ClientPort
		if s.ClientAddress != "" || !c.Given("clientPortAddress") {
			c.ClientAddress = s.ClientAddress
		}
	}
	return nil
}

// ParseID reads a myid file. The name stands in the error.
func ParseID(name string, text []byte) (int, error) {
	s := strings.TrimSpace(string(text))
	id, err := strconv.Atoi(s)
	if err != nil || id < 0 || id > 255 {
		return 0, &Error{File: name, Text: fmt.Sprintf("it says %q, must be a number from 0 to 255 and nothing else", s[:min(len(s), 40)])}
	}
	return id, nil
}
