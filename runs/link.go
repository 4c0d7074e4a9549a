package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxLinks is the most links that are followed, as in Linux.
const maxLinks = 40

// followed returns an absolute path without links; what is not there has none. A link counts only when we or root
// have made it: where others can write, as in a directory for temporary files, they
// could lead us into any directory of ours.
func followed(path string) (string, error) {
	if runtime.GOOS == "windows" { // which does not say who made it
		return path, nil
	}
	const root = string(filepath.Separator)
	at, rest := root, strings.Split(filepath.Clean(path), root)
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at) // at has no links
			continue
		}
		next := filepath.Join(at, part)
		info, err := os.Lstat(next) //nolint:gosec // the caller says where
		if errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(append([]string{next}, rest...)...), nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many links", path)
		}
		if !trusted(info) {
			return "", fmt.Errorf("%s is a link that belongs to another user; name the directory that it leads to", next)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(target) {
			at = root
		}
		rest = append(strings.Split(target, root), rest...)
	}
	return at, nil
}
