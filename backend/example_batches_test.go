package backend_test

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
)

// counts takes batches as they are, and counts what is in them.
type counts struct {
	callbacks.Base

	events, bytes int
	out           io.Writer
}

func (c *counts) OnBatch(_ context.Context, b *backendpb.Batch) error {
	c.events += len(b.GetEvents().GetHook())
	c.bytes += proto.Size(b)
	return nil
}

func (c *counts) Close(context.Context) error {
	_, err := fmt.Fprintln(c.out, c.events, "events,", c.bytes > 0)
	return err
}

// Batches are taken as they came: see [backendpb.Batch] for what is in them.
func ExampleBatchReceiver() {
	b := backend.New("counts", struct{}{}, func(_ context.Context, c backend.Config, _ struct{}) (backend.Instance, error) {
		return backend.FromCallback(&counts{out: c.Output}), nil
	})
	try(b, `{}`)
	// Output: 4 events, true
}
