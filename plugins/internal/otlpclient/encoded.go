package otlpclient

import (
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// encoded is a request that is encoded already.
type encoded struct{ body mem.Buffer }

// codec is gRPC's for protobuf, and for what is encoded already.
type codec struct{ encoding.CodecV2 }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if e, ok := v.(encoded); ok {
		e.body.Ref() // gRPC's own: it may read when the call has returned
		return mem.BufferSlice{e.body}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Name implements encoding.CodecV2. It is empty to leave the content type as it is
// without a codec of one's own: application/grpc.
func (codec) Name() string { return "" }

// maxBuffer is the largest buffer that is kept, in bytes.
const maxBuffer = 4 << 20

// buffers keeps the buffers of requests for those that come later.
type buffers struct{ pool sync.Pool }

var _ mem.BufferPool = (*buffers)(nil)

// Get implements mem.BufferPool.
func (p *buffers) Get(length int) *[]byte {
	b, _ := p.pool.Get().(*[]byte)
	if b == nil || cap(*b) < length {
		b = new([]byte)
		*b = make([]byte, length)
	}
	*b = (*b)[:length]
	return b
}

// Put implements mem.BufferPool.
func (p *buffers) Put(b *[]byte) {
	if cap(*b) <= maxBuffer {
		p.pool.Put(b)
	}
}
