package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A resource is what only one may use at a time, such as a volume or an address;
// here it is a directory. It knows the greatest number it was used with or promised
// to, and refuses smaller ones: that is what makes a fence hold against orders that
// come late. It also finds out whether it is used by two, which would be the fault
// of whoever sent them.
type resource struct {
	dir    string
	number int64    // with which we use it; 0: we do not
	held   *os.File // while we use it; the kernel lets go of it when we die
}

// promise makes the resource refuse numbers below n.
func (r *resource) promise(n int64) error { return r.locked(n, func() error { return nil }) }

// use begins to use the resource, or goes on with another number.
func (r *resource) use(name string, n int64) error {
	return r.locked(n, func() error {
		if r.held == nil {
			f, err := os.OpenFile(filepath.Join(r.dir, "used"), os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				return err
			}
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
				f.Close()
				fault := fmt.Errorf("TWO ACTIVE: %s with %d beside another", name, n)
				return errors.Join(fault, r.note("faults", fault.Error()))
			}
			r.held = f
		}
		r.number = n
		return r.note("journal", fmt.Sprintf("%d %s", n, name))
	})
}

// leave ends the use, unless it is with a greater number than n.
func (r *resource) leave(n int64) error {
	if r.held == nil {
		return nil
	}
	if r.number > n {
		return fmt.Errorf("used with %d, which is greater than %d", r.number, n)
	}
	err := r.held.Close()
	r.held, r.number = nil, 0
	return err
}

// locked does something if n is not too small, and from then on refuses what is
// smaller.
func (r *resource) locked(n int64, do func() error) error {
	return r.alone(func(promises *os.File) error {
		text := make([]byte, 20)
		m, _ := promises.ReadAt(text, 0)
		if promised, _ := strconv.ParseInt(strings.TrimSpace(string(text[:m])), 10, 64); n < promised {
			return errors.Join(fmt.Errorf("refused: %d is below %d", n, promised), r.note("refused", strconv.FormatInt(n, 10)))
		}
		if _, err := promises.WriteAt(fmt.Appendf(nil, "%-20d", n), 0); err != nil {
			return err
		}
		return do()
	})
}

// alone does something while no one else does.
func (r *resource) alone(do func(promises *os.File) error) error {
	f, err := os.OpenFile(filepath.Join(r.dir, "promised"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // which unlocks it
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return do(f)
}

// note adds a line to a file of the resource.
func (r *resource) note(file, line string) error {
	f, err := os.OpenFile(filepath.Join(r.dir, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

// lines returns what was noted in a file.
func (r *resource) lines(file string) []string {
	text, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// used says whether anyone uses the resource.
func (r *resource) used() (used bool) {
	_ = r.alone(func(*os.File) error {
		f, err := os.OpenFile(filepath.Join(r.dir, "used"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		used = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
		return nil
	})
	return used
}
