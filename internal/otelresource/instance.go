package otelresource

import (
	"crypto/rand"
	"fmt"
	"sync"
)

// InstanceKey is the key of [InstanceID]. It is stable in OpenTelemetry's semantic
// conventions.
const InstanceKey = "service.instance.id"

// InstanceID tells this process from all others of the same service: a random UUID
// (version 4, RFC 9562 section 5.4), as the semantic conventions ask for where there
// is nothing better.
var InstanceID = sync.OnceValue(func() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // which never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
})
