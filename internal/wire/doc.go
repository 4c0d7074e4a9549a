// Package wire turns hooks into the batches of the backend protocol, and
// batches into hooks. The format is described in
// proto/spanloom/backend/v1/backend.proto.
package wire

// What a host and a backend process agree on before they speak the protocol.
const (
	// ProtocolVersion is negotiated by go-plugin.
	ProtocolVersion = 1
	// CookieKey and CookieValue are the environment variable by which a binary
	// knows that it was started by a host. They are no secret.
	CookieKey   = "SPANLOOM_BACKEND_COOKIE"
	CookieValue = "3b6f1a52e1d14c0f"
	// HostVariable holds the process id of the host that starts a backend.
	HostVariable = "SPANLOOM_BACKEND_HOST"
	// PluginName is the name under which go-plugin serves the protocol.
	PluginName = "backend"
	// MaxMessage is the limit of a gRPC message in both directions, in bytes.
	MaxMessage = 4 << 20
	// MaxBatch is the size above which a batch is split, in bytes.
	MaxBatch = 1 << 20
	// MaxEvents is the most events that a host puts in a batch.
	MaxEvents = 4096
)

// The flags of an event.
const (
	flagOrigin = 1 << iota // the failure began in this scope
	flagNoPath             // the scope's path is that of the scope around it
)
