package tree

import "io"

type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}
type ID struct{ Scheme, ID string }

const (
	PermRead   int32 = 1
	PermWrite  int32 = 2
	PermCreate int32 = 4
	PermDelete int32 = 8
	PermAdmin  int32 = 16
	PermAll    int32 = 31
)

type aclEntry struct{}

func (*aclEntry) allows(perm int32, auth []ID) bool { panic("todo") }

type Stat struct {
	Czxid, Mzxid                int64
	Ctime, Mtime                int64
	Version, Cversion, Aversion int32
	EphemeralOwner              int64
	DataLength, NumChildren     int32
	Pzxid                       int64
}
type Tree struct{}
type Capture struct{}

func New() *Tree                                                               { panic("todo") }
func (t *Tree) Apply(txn Txn) Result                                           { panic("todo") }
func (t *Tree) Get(path string, auth []ID) (data []byte, stat Stat, err error) { panic("todo") }
func (t *Tree) Exists(path string) (Stat, error)                               { panic("todo") }
func (t *Tree) Children(path string, auth []ID) (names []string, stat Stat, err error) {
	panic("todo")
}
func (t *Tree) ACL(path string, auth []ID) ([]ACL, Stat, error)    { panic("todo") }
func (t *Tree) Ephemerals(session int64, prefix string) []string   { panic("todo") }
func (t *Tree) ChildrenNumber(path string, auth []ID) (int, error) { panic("todo") }
func (t *Tree) Len() int                                           { panic("todo") }
func (t *Tree) Digest() uint64                                     { panic("todo") }
func (t *Tree) LastZxid() int64                                    { panic("todo") }
func (t *Tree) Capture() *Capture                                  { panic("todo") }
func (c *Capture) WriteTo(w io.Writer) (int64, error)              { panic("todo") }
func Read(r io.Reader) (*Tree, error)                              { panic("todo") }
