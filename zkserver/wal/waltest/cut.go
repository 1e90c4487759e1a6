package waltest

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Kill gives the disk as the next process finds it when this one is killed:
// everything written is there, but what was not synced still is not. The old
// disk is dead.
func (d *Disk) Kill() *Disk { return d.next(false) }

// PowerCut gives the disk as the next process finds it after a power cut. The
// old disk is dead.
func (d *Disk) PowerCut() *Disk { return d.next(true) }

func (d *Disk) next(cut bool) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	n := &Disk{rng: d.rng, capacity: d.capacity, locked: map[string]bool{}}
	if cut {
		d.cutNames()
		n.names = maps.Clone(d.durable)
		for _, name := range slices.Sorted(maps.Keys(n.names)) {
			n.names[name] = n.names[name].cut(d.rng)
		}
		n.durable = maps.Clone(n.names)
		return n
	}
	copies := map[*inode]*inode{}
	copyOf := func(node *inode) *inode {
		if node != nil && copies[node] == nil {
			copies[node] = &inode{data: slices.Clone(node.data), durable: node.durable, writes: node.writes}
		}
		return copies[node]
	}
	n.names, n.durable = maps.Clone(d.names), maps.Clone(d.durable)
	for name, node := range n.names {
		n.names[name] = copyOf(node)
	}
	for name, node := range n.durable {
		n.durable[name] = copyOf(node)
	}
	for _, c := range d.pending {
		c.node = copyOf(c.node)
		n.pending = append(n.pending, c)
	}
	return n
}

// cutNames decides which changes of directories have reached the disk: none,
// the first few, or any of them.
func (d *Disk) cutNames() {
	mode, keep := d.rng.IntN(3), d.rng.IntN(len(d.pending)+1)
	for i, c := range d.pending {
		if mode == 1 && i < keep || mode == 2 && d.rng.IntN(2) == 0 {
			c.apply(d.durable)
		}
	}
}

// cut decides which sectors of a file have reached the disk: none, all, the
// first few, or any of them.
func (node *inode) cut(rng *rand.Rand) *inode {
	mode := rng.IntN(4)
	b := slices.Clone(node.durable)
	if mode != 0 && len(node.data) > len(b) && rng.IntN(2) == 0 {
		b = append(b, make([]byte, len(node.data)-len(b))...) // the new size is there
	}
	sectors := 0
	for _, w := range node.writes {
		sectors += len(w.data)/sector + 1
	}
	keep := rng.IntN(sectors + 1)
	for _, w := range node.writes {
		for off := w.off; off < w.off+int64(len(w.data)); {
			end := min((off/sector+1)*sector, w.off+int64(len(w.data)))
			if mode == 1 || mode == 2 && keep > 0 || mode == 3 && rng.IntN(2) == 0 {
				if end <= int64(len(b)) {
					copy(b[off:end], w.data[off-w.off:])
				}
			}
			keep--
			off = end
		}
	}
	return &inode{data: b, durable: slices.Clone(b)}
}
