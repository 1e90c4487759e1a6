package tree

import "strings"

// The znodes every tree has. They cannot be deleted, and whoever may read
// config sees how the ensemble is made up.
const (
	rootPath   = "/"
	systemPath = "/zookeeper"
	configPath = "/zookeeper/config"
	quotaPath  = "/zookeeper/quota"
)

func reserved(path string) bool {
	return path == rootPath || path == systemPath || path == configPath || path == quotaPath
}

// split gives the path of a znode's parent and its name there. It asks only
// for a slash and the absence of NUL, as the reference does before it looks
// the parent up; the rest of the rules are [validPath]'s.
func split(path string) (parent, name string, ok bool) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", "", false
	}
	if slash == 0 {
		return rootPath, path[1:], true
	}
	return path[:slash], path[slash+1:], true
}

// join gives the path of a child.
func join(parent, name string) string {
	if parent == rootPath {
		return "/" + name
	}
	return parent + "/" + name
}

// validPath reports whether path may name a znode: absolute, without empty,
// "." and ".." names, without a slash at the end, and of legal characters.
func validPath(path string) bool {
	if path == rootPath {
		return true
	}
	if path == "" || path[0] != '/' {
		return false
	}
	name, ascii := 1, true // where the name begins; no byte needs its neighbours
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case c == '/':
			if !validStep(path[name:i]) {
				return false
			}
			name = i + 1
		case c >= 0x7f:
			ascii = false
		case c <= 0x1f:
			return false
		}
	}
	return validStep(path[name:]) && (ascii || legal(path))
}

func validStep(name string) bool { return name != "" && name != "." && name != ".." }

// legal reports whether all characters of a path are.
func legal(path string) bool {
	for _, c := range path {
		if illegal(c) {
			return false
		}
	}
	return true
}

// illegal reports the characters no path may have. Bytes that are not UTF-8
// come out of a range loop as U+FFFD, which is among them.
func illegal(c rune) bool {
	switch {
	case c <= 0x1f, 0x7f <= c && c <= 0x9f: // controls
		return true
	case 0xd800 <= c && c <= 0xf8ff: // surrogates and private use
		return true
	case c >= 0xfff0: // specials and all beyond the basic plane
		return true
	}
	return false
}
