package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

const sizing = "sizes"

var sizeRules = []Rule{
	{
		ID: "size-errors", Area: sizing, check: configured(takes(longErrors)),
		Text: "An error whose text has 1 KiB, and whose stack has 8 KiB, is handled.",
	},
	{
		ID: "size-values", Area: sizing, check: configured(largeValues),
		Text: "A value of a megabyte, and ten thousand attributes of an event, are handled or lost with the word of an Ack; what comes after is handled.",
	},
	{
		ID: "size-batch", Area: sizing, check: configured(largeBatch),
		Text: "A batch of almost 4 MiB is acknowledged.",
	},
	{
		ID: "size-limit", Area: sizing, check: configured(tooLarge),
		Text: "A message of more than 4 MiB ends the stream with an error, and nothing else: another stream goes on.",
	},
	{
		ID: "size-garbage", Area: sizing, check: configured(garbage),
		Text: "A message that is not protobuf ends the stream with an error, and nothing else: another stream goes on.",
	},
}

// goesOn says whether a stream that is newly opened works.
func (s *session) goesOn(ctx context.Context) error {
	w := newScript()
	nested(w)
	if err := s.deliver(ctx, w.batch()); err != nil {
		return fmt.Errorf("after that: %w", err)
	}
	return nil
}

const (
	maxMessage = 1 << 10
	maxStack   = 8 << 10
)

// longErrors has errors as long as a host sends them, with more than letters.
func longErrors(w *script) {
	text := strings.Repeat("é\t\x1b[1m\n", maxMessage)
	root := w.pipeline("daily")
	root.node("fetch").fail(pb.Result_RESULT_ERROR, "*fs.PathError", text[:maxMessage], strings.Repeat("x()\n\t/y:1\n", maxStack)[:maxStack])
	root.end(pb.Result_RESULT_ERROR, failure("*fs.PathError", text[:maxMessage], ""))
}

func largeValues(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	n := root.node("fetch")
	rows := []func(*writer, uint32){attribute("spanloom.outputs", pb.Attributes_TYPE_JSON, `"`+strings.Repeat("x", 1<<20)+`"`)}
	for i := range 10_000 {
		rows = append(rows, bits(fmt.Sprintf("a%d", i), pb.Attributes_TYPE_INT, uint64(i)))
	}
	n.end(pb.Result_RESULT_SUCCESS, rows...)
	root.ok()
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	b := w.batch()
	if err := st.send(b); err != nil {
		return err
	}
	if err := st.await(b.GetSeq()); err != nil {
		return err
	}
	st.all = nil
	nested(w)
	if err := st.deliver(w.batch()); err != nil {
		return fmt.Errorf("after that: %w", err)
	}
	return nil
}

func largeBatch(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	const values = 100
	for range values {
		text := fmt.Sprintf(`"%d%s"`, number(), strings.Repeat("x", (wire.MaxMessage-64<<10)/values))
		root.node("fetch").end(pb.Result_RESULT_SUCCESS, attribute("spanloom.outputs", pb.Attributes_TYPE_JSON, text))
	}
	root.ok()
	b := w.batch()
	if n := proto.Size(b); n < wire.MaxMessage*9/10 || n > wire.MaxMessage {
		return fmt.Errorf("the check made a batch of %d bytes", n)
	}
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.send(b); err != nil {
		return err
	}
	return st.await(b.GetSeq())
}

func tooLarge(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	root.end(pb.Result_RESULT_SUCCESS, attribute("spanloom.outputs", pb.Attributes_TYPE_JSON, strings.Repeat("x", wire.MaxMessage)))
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if st.send(w.batch()) == nil && st.await(1) == nil {
		return errors.New("the message was taken")
	}
	st.end()
	<-st.gone
	return s.goesOn(ctx)
}

// raw is a codec for messages that are bytes already.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

func (raw) Name() string { return "proto" }

func garbage(ctx context.Context, s *session) error {
	ctx2, cancel := limited(ctx, s.target.timeout())
	defer cancel()
	desc := &pb.Backend_ServiceDesc.Streams[0]
	st, err := s.conn.NewStream(ctx2, desc, pb.Backend_Stream_FullMethodName, grpc.ForceCodecV2(raw{}))
	if err != nil {
		return fmt.Errorf("Stream: %w", err)
	}
	if err := st.SendMsg([]byte("\xff\xff\xff\xff no batch")); err != nil {
		return fmt.Errorf("Stream: %w", err)
	}
	var got []byte
	err = st.RecvMsg(&got)
	if c := context.Cause(ctx2); c != nil {
		return fmt.Errorf("the stream goes on: %w", c)
	}
	if err == nil {
		return errors.New("there was an answer")
	}
	cancel()
	return s.goesOn(ctx)
}
