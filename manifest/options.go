package manifest

import "os"

const (
	// FileName is the manifest that Find looks for in the working directory.
	FileName = "spanloom.yaml"
	// EnvVar is the environment variable that names another manifest.
	EnvVar = "SPANLOOM_MANIFEST"
	// ModeVar is the environment variable that names the mode.
	ModeVar = "SPANLOOM_MODE"
	// ModeFlag is what Options.Mode is called in errors and origins.
	ModeFlag = "--mode"
)

// Options are what code passes to Load, Parse and Find; the zero value works.
type Options struct {
	// LookupEnv looks up the variables that the manifest refers to, and those
	// that the package's documentation names. Defaults to os.LookupEnv.
	LookupEnv func(name string) (value string, ok bool)
	// Backends lists the backends that can be named as plugin, given the
	// absolute plugin directories of the manifest. It is called at most once
	// for a manifest, and only when an entry names a plugin; it must not start
	// anything. Defaults to nil: names and configs are not checked.
	Backends func(dirs []string) []KnownBackend
	// Mode overrides SPANLOOM_MODE and the manifest: dev, staging or prod. It is
	// the value of a flag. Defaults to empty.
	Mode string
	// Terminal says that standard error is a terminal: without a manifest the
	// console backend is used then. Defaults to false.
	Terminal bool
}

// KnownBackend describes a backend that a manifest may name.
type KnownBackend struct {
	// Name is what the manifest writes after plugin. Defaults to nothing.
	Name string
	// Schema is the JSON schema of the backend's config; references to other
	// documents are refused. Defaults to nil: the config is not checked.
	Schema []byte
	// Check returns the mistakes in a config, which the schema allows, that no schema
	// can see, for an entry of that name. It is asked when the manifest has other
	// mistakes too, so that all are told at once; of one that has none otherwise, the
	// caller asks. Defaults to nil: there are none.
	Check func(name string, config []byte) []ConfigMistake
}

// ConfigMistake is a mistake in the config of a backend.
type ConfigMistake struct {
	// Key is its place in the config, such as "tls.ca". Defaults to empty: all of it.
	Key string
	// Message says what is wrong, and how to mend it.
	Message string
}

func (o Options) lookup(name string) (string, bool) {
	if o.LookupEnv != nil {
		return o.LookupEnv(name)
	}
	return os.LookupEnv(name)
}
