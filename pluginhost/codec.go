package pluginhost

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// encodedBatch is a batch as bytes.
type encodedBatch []byte

// codec is gRPC's for protobuf, for messages that may be encoded already.
type codec struct{}

// Marshal implements encoding.Codec.
func (codec) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case encodedBatch:
		return m, nil
	case proto.Message:
		return proto.Marshal(m) //nolint:wrapcheck // for gRPC
	default:
		return nil, fmt.Errorf("%T is no message", v)
	}
}

// Unmarshal implements encoding.Codec.
func (codec) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", v)
	}
	return proto.Unmarshal(data, m) //nolint:wrapcheck // for gRPC
}

// Name implements encoding.Codec.
func (codec) Name() string { return "proto" }
