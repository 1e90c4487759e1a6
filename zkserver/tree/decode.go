package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Read gives the tree of a snapshot, which it checks throughout: sums, counts,
// the rules for paths and parents, and the digest. The error of a damaged one
// names the offset. Read takes memory in proportion to what r gives, whatever
// lengths stand there, and takes nothing from r beyond the snapshot.
func Read(r io.Reader) (*Tree, error) {
	d := decoder{r: r, tree: newTree()}
	t, err := d.read()
	if err != nil {
		return nil, fmt.Errorf("tree: read snapshot: offset %d: %w", d.offset, err)
	}
	return t, nil
}

// A decoder reads a snapshot. It takes the sections from the reader one by one,
// and workers turn them into znodes.
type decoder struct {
	r      io.Reader
	offset int64 // how much of r is taken
	tree   *Tree

	shards [shardCount]sync.Mutex // protect the shards of tree
	aclMu  sync.Mutex             // protects its ACLs

	intakes []*intake // one for each worker
}

func (d *decoder) read() (*Tree, error) {
	h, err := d.header()
	if err != nil {
		return nil, err
	}
	sections, znodes, err := d.sections(h.znodes)
	if err != nil {
		return nil, err
	}
	if err := d.footer(sections, znodes); err != nil {
		return nil, err
	}
	t := d.tree
	if err := t.adopt(d.intakes); err != nil {
		return nil, err
	}
	if znodes != h.znodes {
		return nil, fmt.Errorf("%d znodes, the header says %d", znodes, h.znodes)
	}
	if t.digest != h.digest {
		return nil, fmt.Errorf("digest is %016x, the header says %016x", t.digest, h.digest)
	}
	t.lastZxid = h.zxid
	return t, nil
}

// sections reads all sections and has them decoded, as many at a time as there
// are CPUs. The error is that of the first one that has any. How many znodes are
// expected decides about room for them only.
func (d *decoder) sections(expected uint64) (sections, znodes uint64, err error) {
	workers := runtime.GOMAXPROCS(0)
	todo := make(chan *section)
	free := make(chan *section, 2*workers)
	for range cap(free) {
		free <- new(section)
	}
	faults := make([]sectionFault, workers)
	d.intakes = make([]*intake, workers)
	var wg sync.WaitGroup
	for i := range workers {
		d.intakes[i] = new(intake)
		p := placer{decoder: d, intake: d.intakes[i], perShard: expected / shardCount}
		wg.Go(func() { // ends when todo is closed
			for s := range todo {
				if faults[i].err == nil {
					faults[i] = p.take(s)
				}
				free <- s
			}
		})
	}
	for {
		s := <-free
		if err = d.nextSection(s); err != nil || s.records == 0 {
			break
		}
		sections++
		znodes += uint64(s.records)
		todo <- s
	}
	close(todo)
	wg.Wait()
	if first := firstFault(faults); first.err != nil {
		d.offset = first.offset
		return 0, 0, first.err
	}
	return sections, znodes, err
}

// A sectionFault is why a section cannot be decoded, and where.
type sectionFault struct {
	offset int64
	err    error
}

// firstFault gives the one that is first in the snapshot.
func firstFault(faults []sectionFault) (first sectionFault) {
	for _, f := range faults {
		if f.err != nil && (first.err == nil || f.offset < first.offset) {
			first = f
		}
	}
	return first
}

func (d *decoder) header() (header, error) {
	var b [headerSize]byte
	if err := d.fill(b[:]); err != nil {
		return header{}, err
	}
	h := header{
		zxid:   int64(binary.BigEndian.Uint64(b[len(magic):])),
		digest: binary.BigEndian.Uint64(b[len(magic)+8:]),
		znodes: binary.BigEndian.Uint64(b[len(magic)+16:]),
	}
	if string(b[:len(magic)-1]) != magic[:len(magic)-1] {
		return header{}, errors.New("not a snapshot of a tree")
	}
	if v := b[len(magic)-1]; v != magic[len(magic)-1] {
		return header{}, fmt.Errorf("format version %d, this program knows %d", v, magic[len(magic)-1])
	}
	if !bytes.Equal(appendHeader(nil, h), b[:]) {
		return header{}, errors.New("header damaged")
	}
	return h, nil
}

func (d *decoder) footer(sections, znodes uint64) error {
	var b [footerSize]byte
	if err := d.fill(b[:]); err != nil {
		return err
	}
	if !bytes.Equal(appendFooter(nil, sections, znodes), b[:]) {
		return fmt.Errorf("footer does not match %d sections with %d znodes", sections, znodes)
	}
	return nil
}

// nextSection reads a section whole. It has no records after the last one.
func (d *decoder) nextSection(s *section) error {
	s.records = 0
	if err := d.fill(s.head[:]); err != nil {
		return err
	}
	if s.head == [sectionHead]byte{} {
		return nil
	}
	size := binary.BigEndian.Uint64(s.head[:])
	records := binary.BigEndian.Uint32(s.head[8:])
	if size > math.MaxInt64 {
		return errors.New("section length is negative")
	}
	s.offset = d.offset
	s.data = s.data[:0]
	for have := uint64(0); have < size; have = uint64(len(s.data)) { // grows with what arrives
		more := int(min(size-have, max(have, 2*sectionGoal)))
		s.data = slices.Grow(s.data, more)[:int(have)+more]
		if err := d.fill(s.data[have:]); err != nil {
			return err
		}
	}
	if records == 0 || uint64(records) > size/minRecord {
		return fmt.Errorf("section of %d bytes with %d records", size, records)
	}
	s.records = records
	return nil
}

// fill reads exactly len(b) bytes.
func (d *decoder) fill(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.offset += int64(n)
	return short(err)
}

func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
