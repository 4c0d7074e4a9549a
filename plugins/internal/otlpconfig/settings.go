package otlpconfig

import (
	"crypto/tls"
	"time"
)

// Protocol is how OTLP is carried.
type Protocol string

// The protocols, in the words of the OpenTelemetry specification.
const (
	GRPC         Protocol = "grpc"
	HTTPProtobuf Protocol = "http/protobuf"
)

// Settings is a config without mistakes, with all that was left out filled in.
type Settings struct {
	Protocol Protocol
	Endpoint Endpoint
	// Headers are sent with every request: those of the config or of the
	// environment, and those of auth. Their names are in lower case.
	Headers map[string]Secret
	// TLS is nil for an endpoint in plain text.
	TLS *tls.Config
	// Gzip says that requests are compressed.
	Gzip bool
	// Timeout is the most time for one export with all its attempts.
	Timeout time.Duration
	Batch   Batch
}

// Redact takes the secrets of s out of a text that others made.
func (s Settings) Redact(text string) string {
	secrets := make([]Secret, 0, len(s.Headers))
	for name, value := range s.Headers {
		if !harmless[name] {
			secrets = append(secrets, value)
		}
	}
	return redactor(secrets).Replace(text)
}
