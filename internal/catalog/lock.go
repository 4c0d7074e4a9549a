package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spanloom/spanloom/internal/lockfile"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/privacy"
)

// Lock says which bytes may run as the backends of a manifest.
type Lock struct {
	m    *manifest.Manifest
	file *lockfile.File
	err  error // why there is no file
}

// ReadLock reads the lock file of a manifest. That it is missing or wrong is told when
// a backend needs it.
func ReadLock(m *manifest.Manifest) *Lock {
	l := &Lock{m: m}
	if HasOutside(m) {
		l.read()
	}
	return l
}

// HasOutside reports whether a manifest has backends that are not built in.
func HasOutside(m *manifest.Manifest) bool {
	return slices.ContainsFunc(m.Telemetry.Backends, isOutside)
}

func (l *Lock) read() { l.file, l.err = lockfile.Read(l.m.Plugins.Lock) }

func isOutside(b manifest.Backend) bool {
	_, builtIn := Lookup(b.Plugin)
	return !builtIn && b.Address == ""
}

// outside is a backend that is a file of its own.
type outside struct {
	plugin bool
	name   string // the plugin's, or the entry's
	exe    pluginhost.Executable
	words  []string // that the lock file has for those of the command
	hidden []int    // those of the words that are not shown as they are
	env    []string // names of the variables that it gets
}

// outside returns the i-th backend.
func (l *Lock) outside(i int) (outside, bool) {
	b := l.m.Telemetry.Backends[i]
	switch {
	case len(b.Command) > 0:
		exe := pluginhost.Executable{Path: b.Command[0], Args: b.Command[1:]}
		words, hidden := l.words(i)
		return outside{name: b.Name, exe: exe, words: words, hidden: hidden, env: b.Env}, true
	case isOutside(b):
		o := l.installed(b.Plugin)
		o.env = b.Env
		return o, true
	default:
		return outside{}, false
	}
}

// installed returns the backend of a name in the plugin directories.
func (l *Lock) installed(name string) outside {
	path := PathOf(name, l.m.Plugins.Dirs)
	return outside{
		plugin: true, name: name, words: []string{filepath.Base(path)},
		exe: pluginhost.Executable{Path: path, NoLinks: true},
	}
}

// words returns the command of the i-th backend as it may be shown: with references in
// place of values, and what is below the lock file's directory relative to that. Words
// in which something is hidden so, or masked, stand for more than one text.
func (l *Lock) words(i int) (words []string, hidden []int) {
	command := l.m.Telemetry.Backends[i].Command
	words = make([]string, len(command))
	for _, s := range l.m.Settings() {
		if s.Path != Path(i)+".command" {
			continue
		}
		list, _ := s.Value.([]any)
		for j := range min(len(list), len(words)) {
			words[j] = fmt.Sprint(list[j])
		}
	}
	for j, word := range words {
		if word != command[j] {
			hidden = append(hidden, j)
		}
		words[j] = l.relative(word)
	}
	return words, hidden
}

func (l *Lock) relative(word string) string {
	if !filepath.IsAbs(word) {
		return word
	}
	dir := filepath.Dir(l.m.Plugins.Lock)
	rel, err := filepath.Rel(dir, word)
	if err != nil || !filepath.IsLocal(rel) || filepath.Join(dir, rel) != word { // one text for each word
		return word
	}
	return "./" + filepath.ToSlash(rel)
}

// sums are those of files, by what the lock file calls them.
func (o outside) sums(files []pluginhost.File) map[string]string {
	sums := map[string]string{}
	for _, f := range files {
		name := o.words[f.Word]
		if _, taken := sums[name]; taken { // two secrets are shown as one word
			name = fmt.Sprintf("%s#%d", name, f.Word)
		}
		sums[name] = f.SHA256
	}
	return sums
}

// entry returns the backend in the lock file.
func (l *Lock) entry(o outside) (*lockfile.Entry, error) {
	fix := "review it, then run: " + l.command(o)
	file := l.m.Plugins.Lock
	switch {
	case lockfile.IsMissing(l.err):
		return nil, notLocked(fmt.Sprintf("there is no lock file %s, which says what may run", file), fix)
	case l.err != nil:
		return nil, notLocked(fmt.Sprintf("the lock file cannot be used: %v", l.err), "")
	}
	entry, ok := l.file.Entry(o.plugin, o.name)
	if !ok {
		return nil, notLocked(fmt.Sprintf("it is not in the lock file %s", file), fix)
	}
	return entry, nil
}

func notLocked(detail, fix string) error {
	return &pluginhost.StartError{Problem: pluginhost.NotLocked, Detail: detail, Fix: fix}
}

// lockable says why a command cannot be locked: a word of it stands in the lock file for
// more than one text. The directory of a file may, since the sum of the file counts.
func (o outside) lockable(files []pluginhost.File) error {
	command := append([]string{o.exe.Path}, o.exe.Args...)
	for _, j := range o.hidden {
		word := o.words[j]
		isFile := slices.ContainsFunc(files, func(f pluginhost.File) bool { return f.Word == j })
		if isFile && !strings.Contains(word, privacy.Mark) && filepath.Base(word) == filepath.Base(command[j]) {
			continue
		}
		return notLocked(fmt.Sprintf("word %d of its command, %q, has a secret or a reference in it, and so cannot be locked", j+1, word),
			"put it into env, and let the backend take it from there")
	}
	return nil
}

// allowed returns the backend in the lock file, if its command may run with some bytes.
func (l *Lock) allowed(o outside) (*lockfile.Entry, error) {
	entry, err := l.entry(o)
	if err != nil {
		return nil, err
	}
	file := l.m.Plugins.Lock
	if !o.plugin && !slices.Equal(entry.Command, o.words) {
		return nil, &pluginhost.StartError{
			Problem: pluginhost.Changed, Detail: fmt.Sprintf("its command is not the one in the lock file %s, %q", file, entry.Command), Fix: l.again(o),
		}
	}
	if len(entry.SHA256[lockfile.Platform()]) == 0 {
		return nil, notLocked(fmt.Sprintf("the lock file %s has no sum of it for %s", file, lockfile.Platform()), "review it, then run: "+l.command(o))
	}
	return entry, nil
}

func (l *Lock) again(o outside) string { return "if that is meant, run: " + l.command(o) }

// check says why files may not run.
func (l *Lock) check(o outside, files []pluginhost.File) error {
	if err := o.lockable(files); err != nil {
		return err
	}
	entry, err := l.allowed(o)
	if err != nil {
		return err
	}
	file, again := l.m.Plugins.Lock, l.again(o)
	m := entry.Compare(o.sums(files))
	switch {
	case m == nil:
		return nil
	case m.Want == "" || m.Got == "":
		return &pluginhost.StartError{
			Problem: pluginhost.Changed, Detail: fmt.Sprintf("the lock file %s is of other files: %v", file, m), Fix: again,
		}
	default:
		return &pluginhost.StartError{
			Problem: pluginhost.Changed, Detail: fmt.Sprintf("%v by the lock file %s", m, file),
			Fix: "install what is locked, or, " + again,
		}
	}
}

// command is what mends the lock file.
func (l *Lock) command(o outside) string {
	words := []string{"spanloom backend lock", o.name}
	if f := l.m.File; f != "" && f != manifest.FileName {
		if strings.ContainsFunc(f, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`'"$\`, r) }) {
			f = strconv.Quote(f)
		}
		words = append(words, "--manifest", f)
	}
	if l.m.Overlay != "" {
		words = append(words, manifest.ModeFlag, l.m.Telemetry.Service.Mode)
	}
	return strings.Join(words, " ")
}

// Executable returns how the i-th backend is started; false when it is built in. With
// unlocked, one that the lock file does not allow is started with a warning.
func (l *Lock) Executable(i int, unlocked bool) (pluginhost.Executable, bool) {
	o, ok := l.outside(i)
	if !ok {
		return o.exe, false
	}
	if !unlocked {
		o.exe.Ask = func() error {
			_, err := l.allowed(o)
			return err
		}
	}
	o.exe.Check = func(files []pluginhost.File) error {
		err := l.check(o, files)
		if err == nil || !unlocked {
			return err
		}
		// Standard error may be a pipe that nobody reads.
		go slog.Warn("backend runs unlocked: nobody has said that these bytes may run",
			"backend", l.m.Telemetry.Backends[i].Name, "sha256", files[0].SHA256, "reason", l.m.Redact(err.Error()))
		return nil
	}
	return o.exe, true
}

// Allowed returns a text that differs when the lock file allows other bytes or another
// command for the i-th backend on this platform; "" when it allows none, or the backend
// is built in.
func (l *Lock) Allowed(i int) string {
	o, ok := l.outside(i)
	if !ok {
		return ""
	}
	entry, err := l.entry(o)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%q %q", entry.Command, entry.SHA256[lockfile.Platform()])
}

// Verify says why the i-th backend would not be started: its files, with a
// [*pluginhost.StartError] that is not of the lock file; or the lock file. Nothing is
// started.
func (l *Lock) Verify(i int) (file, lock error) {
	o, ok := l.outside(i)
	if !ok {
		return nil, nil
	}
	return l.verify(o)
}

// VerifyInstalled is Verify for a backend in the plugin directories.
func (l *Lock) VerifyInstalled(name string) (file, lock error) {
	if l.file == nil && l.err == nil {
		l.read()
	}
	return l.verify(l.installed(name))
}

func (l *Lock) verify(o outside) (file, lock error) {
	o.exe.Check = func(files []pluginhost.File) error {
		lock = l.check(o, files)
		return nil
	}
	return o.exe.Verify(), lock
}

// CheckConfig checks the config of the i-th backend with the schema in the lock file.
func (l *Lock) CheckConfig(i int) error {
	o, ok := l.outside(i)
	if !ok {
		return nil
	}
	entry, err := l.entry(o)
	if err != nil || len(entry.Schema) == 0 {
		return nil //nolint:nilerr // there is nothing to check with
	}
	return l.m.CheckConfig(i, entry.Schema)
}

// CheckConfigs is CheckConfig for all backends. Of one whose files are not those that
// are locked the schema may be another: what is wrong with it, its start says.
func (l *Lock) CheckConfigs() (faults manifest.Errors) {
	for i := range l.m.Telemetry.Backends {
		list, ok := errors.AsType[manifest.Errors](l.CheckConfig(i))
		if !ok {
			continue
		}
		if _, unlocked := l.Verify(i); unlocked == nil {
			faults = append(faults, list...)
		}
	}
	return faults
}

// Locked is what was locked.
type Locked struct {
	Name string
	// Version is what the backend says of itself.
	Version string
	// Sums are those of its files, by what the lock file calls them.
	Sums map[string]string
	// Gone are the platforms whose sums were of another version.
	Gone []string
}

// Update starts each of the named backends once, asks what it is, and notes that and
// the sums of the bytes that ran in the lock file. Names are those of entries or of
// plugins; none stands for all entries that are not built in.
func Update(ctx context.Context, m *manifest.Manifest, names []string) ([]Locked, error) {
	l := &Lock{m: m}
	list, err := l.chosen(names)
	if err != nil {
		return nil, err
	}
	file, err := forUpdate(m)
	if err != nil {
		return nil, err
	}
	var done []Locked
	for _, o := range list {
		var sums map[string]string
		o.exe.Check = func(files []pluginhost.File) error {
			sums = o.sums(files)
			return o.lockable(files)
		}
		spec := pluginhost.Spec{Name: o.name, Launch: o.exe, Redact: m.Redact}
		for _, name := range o.env {
			if v, ok := os.LookupEnv(name); ok {
				spec.Env = append(spec.Env, name+"="+v)
			}
		}
		d, err := pluginhost.Describe(ctx, spec)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the backend
		}
		entry := lockfile.Entry{Version: d.Version}
		if json.Valid(d.Schema) {
			entry.Schema = d.Schema
		}
		if !o.plugin {
			entry.Command = o.words
		}
		done = append(done, Locked{o.name, d.Version, sums, file.Add(o.plugin, o.name, lockfile.Platform(), entry, sums)})
	}
	if len(done) == 0 {
		return nil, nil
	}
	return done, file.Write(m.Plugins.Lock)
}

// Add notes the sum of a plugin's file, at path, for another platform. It is not
// started, so the backend has to be in the lock file already.
func Add(m *manifest.Manifest, name, platform, path string) (Locked, error) {
	list, err := forUpdate(m)
	if err != nil {
		return Locked{}, err
	}
	entry, ok := list.Entry(true, name)
	if !ok {
		return Locked{}, fmt.Errorf("plugin %q is not in the lock file, which is where its version and schema are from; lock it on this platform first", name)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Locked{}, err //nolint:wrapcheck // it names the file
	}
	base := prefix + name
	if strings.HasPrefix(platform, "windows/") {
		base += ".exe"
	}
	sums := map[string]string{base: fmt.Sprintf("%x", sha256.Sum256(data))}
	list.Add(true, name, platform, *entry, sums)
	return Locked{Name: name, Version: entry.Version, Sums: sums}, list.Write(m.Plugins.Lock)
}

func forUpdate(m *manifest.Manifest) (*lockfile.File, error) {
	file, err := lockfile.ReadForUpdate(m.Plugins.Lock)
	if lockfile.IsMissing(err) {
		return &lockfile.File{}, nil
	}
	return file, err
}

// ErrNoBackend says that a manifest has no backend of a name that could be locked.
var ErrNoBackend = errors.New("nothing to lock")

// chosen returns the backends of these names.
func (l *Lock) chosen(names []string) ([]outside, error) {
	var list []outside
	add := func(o outside) {
		if !slices.ContainsFunc(list, func(p outside) bool { return p.plugin == o.plugin && p.name == o.name }) {
			list = append(list, o)
		}
	}
	for i := range l.m.Telemetry.Backends {
		if o, ok := l.outside(i); ok && len(names) == 0 {
			add(o)
		}
	}
	for _, name := range names {
		found := false
		for i, b := range l.m.Telemetry.Backends {
			if o, ok := l.outside(i); ok && (b.Name == name || b.Plugin == name) {
				found = true
				add(o)
			}
		}
		_, builtIn := Lookup(name)
		switch {
		case found:
		case PathOf(name, l.m.Plugins.Dirs) != "" && !builtIn:
			add(l.installed(name))
		case builtIn:
			return nil, fmt.Errorf("%w: %q is built in and needs no lock", ErrNoBackend, name)
		default:
			return nil, fmt.Errorf("%w: there is no backend %q in the manifest or in %s", ErrNoBackend, name, strings.Join(l.m.Plugins.Dirs, ", "))
		}
	}
	return list, nil
}
