// Package lockfile reads and writes spanloom.lock, which says which bytes may run as
// backends. It imports the standard library and private files only.
package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"github.com/spanloom/spanloom/internal/private"
)

// About is the first line of every lock file.
const About = "Written by spanloom backend lock. Review it and commit it: no other bytes are run as backends."

const (
	version  = 1
	maxBytes = 4 << 20
)

// File is a lock file.
type File struct {
	About   string `json:"about"`
	Version int    `json:"version"`
	// Plugins are the backends that a manifest names with plugin, by that name.
	Plugins map[string]*Entry `json:"plugins,omitempty"`
	// Commands are those that it names with command, by the names of the entries.
	Commands map[string]*Entry `json:"commands,omitempty"`
}

// Entry is a backend.
type Entry struct {
	// Version is what the backend says of itself.
	Version string `json:"version,omitempty"`
	// Command is what runs; none for a plugin.
	Command []string `json:"command,omitempty"`
	// SHA256 has the sums of its files in hexadecimal, by platform and then by the
	// word of the command, or the name of the file.
	SHA256 map[string]map[string]string `json:"sha256"`
	// Schema is the JSON schema of its config.
	Schema json.RawMessage `json:"schema,omitempty"`
}

// Platform is that of this program, such as linux/amd64.
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Read reads a lock file that nobody else can change.
func Read(path string) (*File, error) { return read(path, Parse) }

// ReadForUpdate is Read for who writes the file again: its form may be another.
func ReadForUpdate(path string) (*File, error) { return read(path, decode) }

func read(path string, parse func([]byte) (*File, error)) (*File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // opening may wait
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && private.OthersWrite(info):
		return nil, fmt.Errorf("%s can be changed by other users (mode %04o): chmod go-w %s, if they have not", path, info.Mode().Perm(), path)
	case !private.Ours(info) && !private.OfRoot(info):
		return nil, fmt.Errorf("%s belongs to another user: make it your own, or that of root", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	file, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// Parse reads the text of a lock file. It has one form only: what a reader sees in it
// is what counts.
func Parse(data []byte) (*File, error) {
	file, err := decode(data)
	if err != nil {
		return nil, err
	}
	text, err := file.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(text, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))) {
		return nil, errors.New("it is not in the form that spanloom backend lock gives it, perhaps after a merge: run that again")
	}
	return file, nil
}

var (
	platformForm = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
	sumForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func decode(data []byte) (*File, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("it is larger than %d MiB", maxBytes>>20)
	}
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if head.Version != version {
		return nil, fmt.Errorf("its version is %d, and this program reads %d", head.Version, version)
	}
	file := &File{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(file); err != nil {
		return nil, err
	}
	for name, entry := range file.entries {
		if entry == nil || len(entry.SHA256) == 0 {
			return nil, fmt.Errorf("%q has no sums", name)
		}
		for platform, sums := range entry.SHA256 {
			if !platformForm.MatchString(platform) || len(sums) == 0 {
				return nil, fmt.Errorf("%q: %q is not a platform with sums", name, platform)
			}
			for file, sum := range sums {
				if !sumForm.MatchString(sum) {
					return nil, fmt.Errorf("%q: the sum of %q is not one of SHA-256", name, file)
				}
			}
		}
	}
	return file, nil
}

// entries yields all backends.
func (f *File) entries(yield func(string, *Entry) bool) {
	for _, m := range []map[string]*Entry{f.Plugins, f.Commands} {
		for name, entry := range m {
			if !yield(name, entry) {
				return
			}
		}
	}
}

// Encode returns the text of a lock file.
func (f *File) Encode() ([]byte, error) {
	f.About, f.Version = About, version
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(f)
	return b.Bytes(), err
}

// Write replaces the file at path, at once or not at all.
func (f *File) Write(path string) error {
	text, err := f.Encode()
	if err != nil {
		return err
	}
	if _, err := Parse(text); err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".spanloom.lock-")
	if err != nil {
		return err
	}
	_, err = t.Write(text)
	err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close())
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		_ = os.Remove(t.Name())
	}
	return err
}

// Add has the sums of a platform noted. Those of the other platforms stay if the
// backend is the same there: its version, command and schema are. It returns the
// platforms whose sums went.
func (f *File) Add(plugin bool, name, platform string, entry Entry, sums map[string]string) (gone []string) {
	list := &f.Commands
	if plugin {
		list = &f.Plugins
	}
	if *list == nil {
		*list = map[string]*Entry{}
	}
	entry.SHA256 = map[string]map[string]string{}
	if old := (*list)[name]; old != nil {
		same := old.Version == entry.Version && slices.Equal(old.Command, entry.Command) && sameJSON(old.Schema, entry.Schema)
		for p, s := range old.SHA256 {
			switch {
			case p == platform:
			case same:
				entry.SHA256[p] = s
			default:
				gone = append(gone, p)
			}
		}
	}
	entry.SHA256[platform] = sums
	(*list)[name] = &entry
	slices.Sort(gone)
	return gone
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// Entry returns a backend.
func (f *File) Entry(plugin bool, name string) (*Entry, bool) {
	list := f.Commands
	if plugin {
		list = f.Plugins
	}
	entry, ok := list[name]
	return entry, ok
}

// MismatchError says that a file is not as it is locked.
type MismatchError struct {
	// File is its name in the lock file.
	File string
	// Want is the sum that is locked, or "" when none is; Got that of the file, or ""
	// when the command has no such file.
	Want, Got string
}

// Error implements error.
func (m *MismatchError) Error() string {
	switch {
	case m.Want == "":
		return "it has no sum of " + m.File
	case m.Got == "":
		return "it has a sum of " + m.File + ", which the command does not have"
	}
	return fmt.Sprintf("%s has the SHA-256 %s and should have %s", m.File, m.Got, m.Want)
}

// Compare compares the sums of files with those of this platform.
func (e *Entry) Compare(sums map[string]string) *MismatchError {
	locked := e.SHA256[Platform()]
	for _, file := range slices.Sorted(maps.Keys(sums)) {
		if locked[file] != sums[file] {
			return &MismatchError{File: file, Want: locked[file], Got: sums[file]}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(locked)) {
		if sums[file] == "" {
			return &MismatchError{File: file, Want: locked[file]}
		}
	}
	return nil
}

// IsMissing reports whether there is no lock file.
func IsMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
