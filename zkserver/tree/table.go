package tree

import (
	"hash/maphash"
	"iter"
	"slices"
)

// A table finds things by a string that is part of them. It is a hash table
// with linear probing: what Go's map would add to each znode, a second copy of
// the string's header and room for twice as many, is a fifth of what a znode
// takes. Its zero value is empty.
//
// Keys are hashed with a seed of this process, so that no client can choose
// names that collide.
type table[T keyed] struct {
	hashes []uint32 // of what is in slots; 0 is empty
	slots  []T
	used   int
}

// keyed is what a table holds.
type keyed interface{ key() string }

// A name is a child's name, or a path, in a set of them.
type name string

func (n name) key() string  { return string(n) }
func (n *node) key() string { return n.path }

const leastSlots = 8

// seed makes the hashes of this process its own.
var seed = maphash.MakeSeed()

// tag is what is kept of a key's hash; it is never 0.
func tag(key string) uint32 { return max(1, uint32(maphash.String(seed, key))) }

// home is where the search for a tag begins. It spreads tags over any number
// of slots, so that a table need not double to grow.
func home(tag uint32, slots int) int { return int(uint64(tag) * uint64(slots) >> 32) }

func (t *table[T]) next(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// find gives the slot of a key, or -1.
func (t *table[T]) find(key string) int {
	if t.used == 0 {
		return -1
	}
	want := tag(key)
	for i := home(want, len(t.slots)); t.hashes[i] != 0; i = t.next(i) {
		if t.hashes[i] == want && t.slots[i].key() == key {
			return i
		}
	}
	return -1
}

// get gives what has the key, or the zero value.
func (t *table[T]) get(key string) (found T) {
	if i := t.find(key); i >= 0 {
		return t.slots[i]
	}
	return found
}

// put adds v, in place of what has the same key.
func (t *table[T]) put(v T) {
	if i := t.find(v.key()); i >= 0 {
		t.slots[i] = v
		return
	}
	t.add(v)
}

// add adds v, whose key the caller knows not to be there.
func (t *table[T]) add(v T) { t.addTagged(tag(v.key()), v) }

// addTagged is add for a key whose tag is known.
func (t *table[T]) addTagged(tag uint32, v T) {
	if t.used+1 > t.room() {
		t.resize(len(t.slots) + max(leastSlots, len(t.slots)/2))
	}
	t.insert(tag, v)
	t.used++
}

// room is how many things there may be before the table grows.
func (t *table[T]) room() int { return len(t.slots) - len(t.slots)/8 }

// addNew adds v, for which there is room, if its key, whose tag is known, is not
// there, and reports whether it did.
func (t *table[T]) addNew(tag uint32, v T) bool {
	i := home(tag, len(t.slots))
	for ; t.hashes[i] != 0; i = t.next(i) {
		if t.hashes[i] == tag && t.slots[i].key() == v.key() {
			return false
		}
	}
	t.hashes[i], t.slots[i] = tag, v
	t.used++
	return true
}

// insert fills the first empty slot for a tag. There is one.
func (t *table[T]) insert(tag uint32, v T) {
	i := home(tag, len(t.slots))
	for t.hashes[i] != 0 {
		i = t.next(i)
	}
	t.hashes[i], t.slots[i] = tag, v
}

// reserve makes room for n things in all.
func (t *table[T]) reserve(n int) {
	if slots := max(leastSlots, n+n/7+1); slots > len(t.slots) {
		t.resize(slots)
	}
}

func (t *table[T]) resize(slots int) {
	old := *t
	t.hashes, t.slots = make([]uint32, slots), make([]T, slots)
	for i, tag := range old.hashes {
		if tag != 0 {
			t.insert(tag, old.slots[i])
		}
	}
}

// remove takes out what has the key. What comes behind it moves up where the
// gap would end the search for it, so that no marks of what was there pile up.
func (t *table[T]) remove(key string) {
	gap := t.find(key)
	if gap < 0 {
		return
	}
	t.used--
	if t.used < len(t.slots)/8 && len(t.slots) > leastSlots {
		t.hashes[gap] = 0
		t.resize(max(leastSlots, len(t.slots)/4))
		return
	}
	size := len(t.slots)
	for i := t.next(gap); t.hashes[i] != 0; i = t.next(i) {
		// How far it is from its home must not grow below 0: it may move to
		// the gap if that is not before its home.
		if from := home(t.hashes[i], size); (i-from+size)%size >= (i-gap+size)%size {
			t.hashes[gap], t.slots[gap] = t.hashes[i], t.slots[i]
			gap = i
		}
	}
	var none T
	t.hashes[gap], t.slots[gap] = 0, none
}

// all yields everything, in no order. The table must not change meanwhile.
func (t *table[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i, tag := range t.hashes {
			if tag != 0 && !yield(t.slots[i]) {
				return
			}
		}
	}
}

// appendAll appends everything to all.
func (t *table[T]) appendAll(all []T) []T {
	return slices.AppendSeq(slices.Grow(all, t.used), t.all())
}
