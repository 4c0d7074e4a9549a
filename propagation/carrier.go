package propagation

import (
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// Map is a carrier over a map, such as the headers of a message. Its keys are
// told apart by case and are written in lower case.
type Map = propagation.MapCarrier

// Header is a carrier over an http.Header.
type Header = propagation.HeaderCarrier

// Metadata is a carrier over gRPC metadata, a google.golang.org/grpc/metadata.MD.
type Metadata map[string][]string

var _ propagation.ValuesGetter = Metadata{}

// Get returns the first value of key, or nothing.
func (m Metadata) Get(key string) string {
	if list := m.Values(key); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Values returns all values of key.
func (m Metadata) Values(key string) []string { return m[strings.ToLower(key)] }

// Set gives key one value.
func (m Metadata) Set(key, value string) { m[strings.ToLower(key)] = []string{value} }

// Keys returns the keys that have values, in no order.
func (m Metadata) Keys() []string { return Header(m).Keys() }

// replace gives key the value, or none when it is empty, whatever the carrier
// had before. A carrier that cannot forget a key gets an empty value.
func replace(c propagation.TextMapCarrier, key, value string) {
	switch c := c.(type) {
	case Map:
		delete(c, key)
	case Header:
		remove(c, key)
	case Metadata:
		remove(c, key)
	default:
		if value == "" && c.Get(key) != "" {
			c.Set(key, "")
		}
	}
	if value != "" {
		c.Set(key, value)
	}
}

// remove deletes key however it is written: a header that was set without
// http.Header.Set goes out as well.
func remove(m map[string][]string, key string) {
	for k := range m {
		if strings.EqualFold(k, key) {
			delete(m, k)
		}
	}
}
