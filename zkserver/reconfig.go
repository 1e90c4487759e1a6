package zkserver

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mwqueue/mw/zkserver/ensemble"
	"github.com/mwqueue/mw/zkserver/tree"
	"github.com/mwqueue/mw/zkserver/wire"
)

// A reconfig is decided when it is applied, in the order in which Apache
// ZooKeeper's PrepRequestProcessor does, and carried out by the ensemble. Its
// outcome comes with a later batch, which writes /zookeeper/config, and only then
// it has its zxid and its reply. Meanwhile no other write of its connection is
// proposed.

// A reconfiguring is a reconfig of this member's that is being carried out.
type reconfiguring struct {
	conn *conn
	seq  uint64
	id   uint64 // of the ensemble's
}

// reconfigure decides a reconfig. done is false if it is being carried out.
func (r *replica) reconfigure(a *applied, cmd *command, from *conn, seq uint64) (done bool) {
	var q wire.ReconfigRequest
	q.Decode(&a.body)
	list, changing := r.batch.Membership()
	switch {
	case a.body.Err() != nil:
		a.code = wire.MarshallingError
	case cmd.rules&reconfigRule == 0:
		a.code = wire.ReconfigDisabled
	case list == nil:
		a.code = wire.Unimplemented
	case changing:
		a.code = wire.ReconfigInProgress
	case q.CurConfigID != -1 && q.CurConfigID != configVersion(r.tree.Config()):
		a.code = wire.BadVersion
	default:
		return r.wish(a, cmd, q, list, from, seq)
	}
	return true
}

func (r *replica) wish(a *applied, cmd *command, q wire.ReconfigRequest, list []ensemble.Member, from *conn, seq uint64) (done bool) {
	wanted, err := wantedMembers(q, list)
	if err != nil {
		a.code = wire.BadArguments
		if errors.Is(err, errNoNumber) {
			a.code = wire.MarshallingError // the parser's own error there; refused is refused, to the log
		}
		return true
	}
	if err := r.tree.MayConfigure(r.identitySet(cmd.authSet)); err != nil {
		a.code = codeOf(err)
		return true
	}
	id, err := r.batch.Reconfigure(wanted)
	switch {
	case errors.Is(err, ensemble.ErrReconfiguring):
		a.code = wire.ReconfigInProgress
	case errors.Is(err, ensemble.ErrAlone):
		a.code = wire.Unimplemented
	case err != nil:
		a.code = wire.BadArguments
	default:
		if from != nil {
			r.reconfiguring = reconfiguring{conn: from, seq: seq, id: id}
		}
		return false
	}
	return true
}

// members takes the members that a batch tells of: /zookeeper/config says them,
// and who asked for them is answered. The list that an ensemble begins with has
// version 0 and no place in the total order, as at Apache ZooKeeper.
func (r *replica) members(b *ensemble.Batch, now time.Duration) {
	if b.Members == nil {
		return
	}
	r.mu.Lock()
	defer r.wake()
	defer r.mu.Unlock()
	config := r.tree.Config()
	text := configText(b.Members)
	switch {
	case b.Change != nil:
		r.changed(b, text, now)
	case len(config) == 0:
		r.setConfig(0, b.Time, text)
	case !bytes.HasPrefix(config, []byte(text+"version=")):
		r.setConfig(r.nextZxid(), b.Time, text)
	}
}

// changed ends a reconfig.
func (r *replica) changed(b *ensemble.Batch, text string, now time.Duration) {
	a := r.begin()
	a.code = wire.NewConfigNoQuorum
	if b.Change.Err == nil {
		a.code = wire.OK
		a.res = r.setConfig(a.zxid, b.Time, text)
		a.config = r.tree.Config()
	}
	if p := r.reconfiguring; p.conn != nil && p.id == b.Change.ID {
		r.answer(p.conn, p.seq, a, now)
		r.reconfiguring = reconfiguring{}
	}
}

func (r *replica) setConfig(zxid, ms int64, text string) tree.Result {
	data := fmt.Appendf(nil, "%sversion=%x", text, zxid)
	res := r.tree.Apply(tree.Txn{Zxid: zxid, Time: ms, Op: tree.SetConfig{Data: data}})
	r.fire(res.Changes)
	return res
}

// configResult is the reply to a reconfig: the new configuration.
func configResult(b []byte, a *applied) []byte {
	reply := wire.GetDataResponse{Data: a.config, Stat: wire.Stat(a.res.Stat)}
	return reply.Append(b)
}

// configText is the members as Apache ZooKeeper writes them (QuorumMaj.toString),
// without the version.
func configText(members []ensemble.Member) string {
	var b strings.Builder
	for _, m := range members {
		spec := m.Spec
		if spec == "" {
			spec = Member{Address: m.Address, Observer: m.Observer}.Spec()
		}
		fmt.Fprintf(&b, "server.%d=%s\n", m.Number, spec)
	}
	return b.String()
}

// configVersion is the version that a configuration ends with, or -1.
func configVersion(config []byte) int64 {
	_, hex, _ := strings.Cut(string(config), "version=")
	v, err := strconv.ParseInt(hex, 16, 64)
	if err != nil {
		return -1
	}
	return v
}

var (
	errNewMembers = errors.New("no such members can be")
	errNoNumber   = errors.New("one that is to leave is no number")
)

// minVoters is how many must have a vote, as at Apache ZooKeeper unless
// standaloneEnabled is false.
const minVoters = 2

// wantedMembers is what a reconfig makes of the members.
func wantedMembers(q wire.ReconfigRequest, list []ensemble.Member) ([]ensemble.Member, error) {
	var err error
	if q.NewMembers != nil {
		if list, err = allMembers(q.NewMembers); err != nil {
			return nil, err
		}
	} else if list, err = withChanges(q, slices.Clone(list)); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b ensemble.Member) int { return a.Number - b.Number })
	voters := 0
	addresses := make(map[string]bool)
	for _, m := range list {
		if !m.Observer {
			voters++
		}
		for _, addr := range endpoints(m) {
			if addresses[addr] {
				return nil, errNewMembers
			}
			addresses[addr] = true
		}
	}
	if voters < minVoters {
		return nil, errNewMembers
	}
	return list, nil
}

// memberLines yields the lines of a whole list that are to be members.
func memberLines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.FieldsFuncSeq(string(text), func(c rune) bool { return c == ',' || c == '\n' || c == '\r' }) {
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "version=") {
				continue
			}
			if !yield(line) {
				return
			}
		}
	}
}

// allMembers reads a whole list, which has each number once: see prepareReconfig.
func allMembers(text []byte) ([]ensemble.Member, error) {
	var list []ensemble.Member
	for line := range memberLines(text) {
		m, _, err := parseMember(line)
		if err != nil || slices.ContainsFunc(list, func(is ensemble.Member) bool { return is.Number == m.Number }) {
			return nil, errNewMembers
		}
		list = append(list, m)
	}
	return list, nil
}

// withChanges takes some off the list and puts others on.
func withChanges(q wire.ReconfigRequest, list []ensemble.Member) ([]ensemble.Member, error) {
	drop := func(number int) {
		list = slices.DeleteFunc(list, func(m ensemble.Member) bool { return m.Number == number })
	}
	comma := func(c rune) bool { return c == ',' }
	for text := range strings.FieldsFuncSeq(string(q.LeavingServers), comma) {
		number, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, errNoNumber
		}
		drop(number)
	}
	for text := range strings.FieldsFuncSeq(string(q.JoiningServers), comma) {
		m, hasClient, err := parseMember(strings.TrimSpace(text))
		// One that joins has three ports at Apache ZooKeeper. Here those that
		// the ensemble was founded with may have one each, and change.
		is := slices.ContainsFunc(list, func(one ensemble.Member) bool { return one.Number == m.Number })
		if err != nil || !hasClient && !is {
			return nil, errNewMembers
		}
		drop(m.Number)
		list = append(list, m)
	}
	return list, nil
}

// parseMember reads "server.N=host:port[:port][:role][;[host:]port]".
func parseMember(text string) (m ensemble.Member, hasClient bool, err error) {
	name, value, ok := strings.Cut(text, "=")
	number, err := strconv.Atoi(strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:]))
	if err != nil || !ok || number < 0 || number > 255 || !strings.HasPrefix(strings.TrimSpace(name), "server.") {
		return m, false, errNewMembers
	}
	server, client, hasClient := strings.Cut(strings.TrimSpace(value), ";")
	is := Member{Number: number}
	role := server[strings.LastIndexByte(server, ':')+1:]
	switch strings.ToLower(role) {
	case "observer":
		is.Observer = true
		server = strings.TrimSuffix(server, ":"+role)
	case "participant":
		server = strings.TrimSuffix(server, ":"+role)
	}
	if is.Address = server; !isAddress(server) { // one without the second port comes from --member
		i := max(0, strings.LastIndexByte(server, ':'))
		is.Address = server[:i]
		if is.ElectionPort, ok = port(strings.TrimPrefix(server[i:], ":")); !ok || !isAddress(is.Address) {
			return m, false, errNewMembers
		}
	}
	if hasClient {
		if is.Client = strings.TrimSpace(client); !strings.Contains(is.Client, ":") {
			is.Client = "0.0.0.0:" + is.Client
		}
		if !isAddress(is.Client) {
			return m, false, errNewMembers
		}
	}
	return ensemble.Member{Number: number, Address: is.Address, Observer: is.Observer, Spec: is.Spec()}, hasClient, nil
}

func port(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && n > 0
}

func isAddress(s string) bool {
	host, p, err := net.SplitHostPort(s)
	_, ok := port(p)
	return err == nil && ok && host != ""
}

// endpoints are where a member listens, as far as its spec says so: no two
// members may share one. What listens on all addresses is not compared.
func endpoints(m ensemble.Member) []string {
	server, client, _ := strings.Cut(m.Spec, ";")
	all := []string{m.Address}
	if host, _, err := net.SplitHostPort(m.Address); err == nil {
		rest := strings.Split(strings.TrimPrefix(server, m.Address+":"), ":")
		if p, ok := port(rest[0]); ok {
			all = append(all, net.JoinHostPort(host, strconv.Itoa(p)))
		}
	}
	if host, _, err := net.SplitHostPort(client); err == nil && host != "0.0.0.0" && host != "::" {
		all = append(all, client)
	}
	return all
}
