package manifest

import (
	"encoding/json"
	"time"
)

// Telemetry is the telemetry section.
type Telemetry struct {
	// Enabled says whether any telemetry is recorded at all.
	// Defaults to true.
	Enabled bool `json:"enabled"`
	// Service is what telemetry is attributed to.
	// Defaults to an empty Service.
	Service Service `json:"service"`
	// Attributes are further resource attributes of all telemetry. None has a
	// key of its own elsewhere, such as service.name. Defaults to none.
	Attributes map[string]string `json:"attributes"`
	// Backends receive telemetry, in the order of the manifest.
	// Defaults to none.
	Backends []Backend `json:"backends"`
	// Sampling says which runs are traced. Defaults to all, or what is usual
	// for the mode.
	Sampling Sampling `json:"sampling"`
	// Trace is the form of traces. Defaults to one trace with all items of maps.
	Trace Trace `json:"trace"`
	// Capture says which values are kept. Defaults to none.
	Capture Capture `json:"capture"`
	// Propagation says how traces leave and enter the program.
	// Defaults to trusting nobody.
	Propagation Propagation `json:"propagation"`
	// Logs is how the program logs. Defaults to JSON from level info.
	Logs Logs `json:"logs"`
	// ShutdownTimeout is how long a program waits at its end for delivery; it
	// is longer than zero. Defaults to 3s.
	ShutdownTimeout time.Duration `json:"shutdown_timeout"`
}

// Service names the service that telemetry is attributed to.
type Service struct {
	// Name of the service. Defaults to OTEL_SERVICE_NAME, then to service.name
	// of OTEL_RESOURCE_ATTRIBUTES, then to empty: the opener picks the name.
	Name string `json:"name"`
	// Version of the service. Defaults to service.version of
	// OTEL_RESOURCE_ATTRIBUTES, then to empty.
	Version string `json:"version"`
	// Namespace keeps equal names apart. Defaults to service.namespace of
	// OTEL_RESOURCE_ATTRIBUTES, then to empty.
	Namespace string `json:"namespace"`
	// Product that the service is a part of. Defaults to empty.
	Product string `json:"product"`
	// Mode is where the program runs: dev, staging or prod. SPANLOOM_MODE
	// overrides what the file says. Defaults to empty: it is not known.
	Mode string `json:"mode"`
}

// Sampling says which runs are traced. The decision is made once for a run.
type Sampling struct {
	// Ratio of the runs that are traced, from 0 to 1: the first of what the
	// manifest says for the mode, what it says for all, what
	// OTEL_TRACES_SAMPLER says, what ByMode has for the mode by default, and 1.
	Ratio float64 `json:"ratio"`
	// ByMode has a ratio for each mode; Ratio has taken it into account.
	// Defaults to 1, 0.5 and 0.1.
	ByMode ByMode `json:"by_mode"`
	// Keep are the kinds of runs that are exported though they were not
	// sampled: "failed" and "slow". Defaults to none.
	Keep []string `json:"keep"`
	// Slow is how long a run takes that is slow; it is longer than zero.
	// Defaults to 10s.
	Slow time.Duration `json:"slow"`
}

// ByMode has a ratio, from 0 to 1, for each mode.
type ByMode struct {
	// Dev is the ratio of mode dev. Defaults to 1.
	Dev float64 `json:"dev"`
	// Staging is the ratio of mode staging. Defaults to 0.5.
	Staging float64 `json:"staging"`
	// Prod is the ratio of mode prod. Defaults to 0.1.
	Prod float64 `json:"prod"`
}

// Trace is the form of traces.
type Trace struct {
	// Mode is "single" when what resumes a run is part of its trace, and
	// "linked" when it is a trace of its own. Defaults to single.
	Mode string `json:"mode"`
	// MapItems says which items of a map have spans: "all", "failed_and_slow"
	// or "none". Defaults to all.
	MapItems string `json:"map_items"`
	// MaxPerMap bounds the spans of items of one map; it is at least 1.
	// Defaults to 1000.
	MaxPerMap int `json:"max_per_map"`
}

// Capture says which values of a run telemetry keeps. It is what
// privacy.Capture needs; privacy.NewRedactor accepts Redact.
type Capture struct {
	// Inputs says whether the inputs of steps are kept. Defaults to false.
	Inputs bool `json:"inputs"`
	// Outputs says whether their outputs are kept. Defaults to false.
	Outputs bool `json:"outputs"`
	// Limit bounds the text of the inputs of a step, and that of its outputs,
	// in bytes, from 16 to 65536. Defaults to 256.
	Limit int `json:"limit"`
	// Redact are patterns for names of secrets beside those that are known.
	// Defaults to none.
	Redact []string `json:"redact"`
}

// Propagation says how traces leave and enter the program. It has the fields of
// propagation.Config.
type Propagation struct {
	// TrustIncoming says whether requests continue the trace that they name.
	// Defaults to false: their runs are new traces, with a link to it.
	TrustIncoming bool `json:"trust_incoming"`
	// Baggage are the keys of the members of baggage that become attributes of the
	// spans of runs, and of those that node code starts. Defaults to none.
	Baggage []string `json:"baggage"`
	// Hosts are the names of the hosts that baggage is sent to, without a port;
	// ".example.com" stands for those below example.com. Defaults to none.
	Hosts []string `json:"hosts"`
}

// Logs is how the program logs.
type Logs struct {
	// Level is the least level that is logged: "debug", "info", "warn" or
	// "error". SPANLOOM_LOG_LEVEL overrides what the file says.
	// Defaults to info.
	Level string `json:"level"`
	// Format is "json" or "text". SPANLOOM_LOG_FORMAT overrides what the file
	// says. Defaults to json.
	Format string `json:"format"`
	// Forward says whether records also go to the backends. Defaults to true.
	Forward bool `json:"forward"`
}

// Backend is one entry of telemetry.backends. Exactly one of Plugin, Command and
// Address is set.
type Backend struct {
	// Plugin is the name of a backend that is built in or found in
	// Plugins.Dirs. Defaults to empty: Command says what to run.
	Plugin string `json:"plugin"`
	// Name is unique in the manifest. Defaults to Plugin, or to the base name
	// of the command without spanloom-backend-.
	Name string `json:"name"`
	// Command is the absolute path of a program and its arguments; it is never
	// looked up on PATH. Arguments that begin with ./ or ../ are absolute paths too.
	// Defaults to nil: Plugin says what to run.
	Command []string `json:"command"`
	// Address is where a backend listens that somebody else has started: host:port, or
	// unix: and an absolute path. Defaults to empty: Plugin or Command says what to run.
	Address string `json:"address"`
	// TLS is how Address is spoken to. Defaults to TLS with the authorities of the
	// system, and to plain text for this machine.
	TLS TLS `json:"tls"`
	// Config is the JSON object of the backend's own settings, checked against
	// the backend's schema where that is known. Defaults to {}.
	Config json.RawMessage `json:"config"`
	// Required says whether the program refuses to begin when the backend does
	// not start. Defaults to false.
	Required bool `json:"required"`
	// Env are the names of the variables that the backend's process gets.
	// Defaults to none.
	Env []string `json:"env"`
	// StartTimeout is how long the process may take until it answers, and again
	// until it is configured; it is longer than zero. Defaults to 5s.
	StartTimeout time.Duration `json:"start_timeout"`
	// Queue is what waits for the backend. Defaults to 64 MiB.
	Queue Queue `json:"queue"`
	// Delivery is what is kept until the backend has exported it.
	// Defaults to what fits into the queue.
	Delivery Delivery `json:"delivery"`
}

// TLS is how a backend at an address is spoken to.
type TLS struct {
	// CA is the absolute path of the certificates of the authorities that may have
	// signed the backend's, in PEM form. Defaults to those of the system.
	CA string `json:"ca"`
	// Cert is the absolute path of the program's certificate, in PEM form. Defaults to
	// none.
	Cert string `json:"cert"`
	// Key is the absolute path of the key of Cert. Defaults to none.
	Key string `json:"key"`
	// ServerName is the name in the backend's certificate. Defaults to the host of
	// Address.
	ServerName string `json:"server_name"`
	// Insecure allows plain text to another machine. Defaults to false.
	Insecure bool `json:"insecure"`
}

// Delivery is what is kept of telemetry until a backend has exported it.
type Delivery struct {
	// Durable says whether it is written to the disk before it is sent.
	// Defaults to false.
	Durable bool `json:"durable"`
	// Dir is the absolute path of a directory, in which the backend has one of its
	// own. Defaults to empty: the opener picks one of the user's.
	Dir string `json:"dir"`
	// MaxBytes bounds what a process keeps on the disk; it is at least 1 MiB.
	// Defaults to 1 GiB.
	MaxBytes int64 `json:"max_bytes"`
	// MaxAge is how long it is kept; it is longer than zero. Defaults to 168h.
	MaxAge time.Duration `json:"max_age"`
}

// Queue is what waits in memory for a backend.
type Queue struct {
	// Bytes bounds the memory for events that are not yet acknowledged; it is at
	// least 1 MiB. An eighth of it is for metrics only. Defaults to 64 MiB.
	Bytes int64 `json:"bytes"`
	// Overflow is what is dropped when it is full: "drop_newest", or "drop_oldest",
	// which a durable delivery excludes. Defaults to drop_newest.
	Overflow string `json:"overflow"`
}
