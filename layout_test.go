package mw

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mwqueue/mw"

// TestImportsPointOneWay holds the rules of the layout: programs import
// roles, roles import the coordinator, the server stands apart, leaves import
// nothing of ours. Test files are free to cross.
func TestImportsPointOneWay(t *testing.T) {
	roles := []string{"master", "worker", "submit"}
	leaves := []string{"zkserver/wire", "zkserver/tree", "zkserver/watch", "zkserver/session", "zkserver/wal", "zkserver/zoocfg", "zkserver/admin", "zkserver/certs", "zkserver/certs/certstest", "boottime"}

	for pkg, imports := range packages(t) {
		ours := within(imports)
		forbid := func(why string, bad func(string) bool) {
			for _, imp := range ours {
				if bad(imp) {
					t.Errorf("%s imports %s: %s", pkg, imp, why)
				}
			}
		}
		if slices.Contains(leaves, pkg) {
			forbid("a leaf imports nothing of ours", func(string) bool { return true })
		}
		if slices.Contains(roles, pkg) {
			forbid("roles import only the coordinator and the clock", func(imp string) bool { return imp != "coordinator" && imp != "boottime" })
		}
		if under(pkg, "coordinator") {
			forbid("the coordinator knows no server and no role", func(string) bool { return true })
		}
		if under(pkg, "zkserver") {
			forbid("the server knows nothing of the queue", func(imp string) bool { return !under(imp, "zkserver") })
		}
		if pkg == "zkserver/client" {
			forbid("the client knows only the wire", func(imp string) bool { return imp != "zkserver/wire" })
		}
		if pkg == "zkshell" {
			forbid("the shell is a client", func(imp string) bool { return imp != "zkserver/wire" && imp != "zkserver/client" })
		}
		if pkg != "coordinator" && slices.Contains(imports, "github.com/go-zookeeper/zk") {
			t.Errorf("%s imports go-zookeeper/zk: only the coordinator may", pkg)
		}
		if slices.Contains(ours, "zkserver/certs/certstest") {
			t.Errorf("%s imports zkserver/certs/certstest: only tests make certificates", pkg)
		}
		if !under(pkg, "cmd") && slices.Contains(imports, "github.com/urfave/cli/v2") {
			t.Errorf("%s imports urfave/cli: only cmd/mw may", pkg)
		}
	}
}

// packages maps each package folder of the module to what its non-test files import.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if p, err := build.ImportDir(path, 0); err == nil {
			found[filepath.ToSlash(path)] = p.Imports
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// within keeps the imports that are ours, as folders of the module.
func within(imports []string) []string {
	var ours []string
	for _, imp := range imports {
		if rest, ok := strings.CutPrefix(imp, module+"/"); ok {
			ours = append(ours, rest)
		}
	}
	return ours
}

func under(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// leftOutOfRace reads NO_RACE from the Makefile, without those of real processes.
func leftOutOfRace(t *testing.T) (packages []string) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(makefile), "\nNO_RACE  := ")
	list, _, _ = strings.Cut(list, "\n")
	before, rest, grouped := strings.Cut(list, "zkserver/(")
	if !found || !grouped {
		t.Fatalf("NO_RACE of the Makefile is %q", list)
	}
	packages = strings.Split(strings.TrimSuffix(before, "|"), "|")
	for name := range strings.SplitSeq(strings.TrimSuffix(rest, ")"), "|") {
		packages = append(packages, "zkserver/"+name)
	}
	return slices.DeleteFunc(packages, func(pkg string) bool {
		return pkg == "mwtest" || pkg == "zkserver/storm" || pkg == "zkserver/suites"
	})
}

// TestPackagesLeftOutOfRaceStartNoGoroutine holds the packages that the Makefile
// leaves out of make race, NO_RACE, to what they are left out for. Those of real
// processes do their work where the race detector does not look.
func TestPackagesLeftOutOfRaceStartNoGoroutine(t *testing.T) {
	for _, pkg := range leftOutOfRace(t) {
		p, err := build.ImportDir(pkg, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range p.GoFiles {
			files := token.NewFileSet()
			f, err := parser.ParseFile(files, filepath.Join(pkg, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%v: a goroutine, and make race leaves the package out", files.Position(n.Pos()))
				case *ast.SelectorExpr:
					if n.Sel.Name == "Go" || n.Sel.Name == "AfterFunc" {
						t.Errorf("%v: a goroutine, and make race leaves the package out", files.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
}
