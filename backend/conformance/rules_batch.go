package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const batching = "batches"

var batchRules = []Rule{
	{
		ID: "ack-every-batch", Area: batching, check: configured(acknowledged),
		Text: "Every batch is acknowledged: by an Ack with its epoch and its number, or with the number of a later one.",
	},
	{
		ID: "ack-in-order", Area: batching, check: configured(inOrder),
		Text: "Acknowledgements come in order: none names a lower number than one before, or a batch that was not sent.",
	},
	{
		ID: "ack-repeated", Area: batching, check: configured(repeated),
		Text: "A batch whose number was handled before is acknowledged again, without an error, and otherwise ignored.",
	},
	{
		ID: "batch-first-number", Area: batching, check: configured(firstNumber),
		Text: "The first batch of a backend that was just started may have any number: what was not acknowledged is sent again.",
	},
	{
		ID: "batch-new-epoch", Area: batching, check: configured(newEpoch),
		Text: "A batch of another epoch is a new one, whatever its number.",
	},
	{
		ID: "batch-next-stream", Area: batching, check: configured(nextStream),
		Text: "When a stream has ended another one goes on where it ended.",
	},
	{
		ID: "batch-empty", Area: batching, check: configured(emptyBatch),
		Text: "A batch without events and exports is acknowledged.",
	},
	{
		ID: "batch-malformed", Area: batching, check: configured(malformed),
		Text: "A malformed batch is refused as a whole by an Ack with an error: none of its events is handled or counted, and the stream goes on.",
	},
	{
		ID: "batch-malformed-next", Area: batching, check: configured(afterMalformed),
		Text: "A batch after a malformed one is handled as if there had been none.",
	},
	{
		ID: "batch-malformed-alone", Area: batching, check: configured(malformedAlone),
		Text: "When batches are acknowledged together with a malformed one, lost says that no more than that one is lost.",
	},
	{
		ID: "batch-unknown-hooks", Area: batching, check: configured(unknownHooks),
		Text: "Events whose hook is not known are ignored and counted in ignored_events; the others of their batch are handled.",
	},
	{
		ID: "batch-unknown-values", Area: batching, check: configured(unknownValues),
		Text: "Kinds, results, flags and types of attributes that are not known make no batch malformed.",
	},
	{
		ID: "batch-unknown-fields", Area: batching, check: configured(unknownFields),
		Text: "Fields and tables of a batch that are not known are ignored.",
	},
	{
		ID: "batch-missing-columns", Area: batching, check: configured(missingColumns),
		Text: "A column that an older host does not send, and whose comment says so, is read as zeros.",
	},
	{
		ID: "open-scopes", Area: batching, check: configured(openScopes),
		Text: "When a run has ended, open_scopes counts none of its scopes.",
	},
}

func acknowledged(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	list := w.batches(3)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.deliver(list...); err != nil {
		return err
	}
	for _, a := range st.all {
		if a.GetEpoch() != w.epoch {
			return fmt.Errorf("the Ack of batch %d has the epoch %x; the batch has %x", a.GetSeq(), a.GetEpoch(), w.epoch)
		}
	}
	return nil
}

func inOrder(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	last := uint64(0)
	for i, b := range w.batches(3) {
		if err := st.deliver(b); err != nil {
			return err
		}
		for _, a := range st.all {
			if a.GetSeq() < last {
				return fmt.Errorf("after an Ack of batch %d there is one of batch %d", last, a.GetSeq())
			}
			if last = a.GetSeq(); last > b.GetSeq() {
				return fmt.Errorf("batch %d was acknowledged, and %d were sent", last, i+1)
			}
		}
		st.all = nil
	}
	return nil
}

// counting returns a batch with events that are counted when they are handled.
func counting(w *script, unknown int) *pb.Batch {
	root := w.pipeline("daily")
	for range unknown {
		root.say(unknownHook)
	}
	root.ok()
	return w.batch()
}

// unknownHook is the number of a hook that no version has yet.
const unknownHook = pb.Hook(99)

// ignored returns how many events were ignored so far.
func (s *session) ignored(ctx context.Context) (uint64, error) {
	h, err := s.health(ctx)
	return h.GetIgnoredEvents(), err
}

// counts says that the number of ignored events is not what it should be.
func (s *session) counts(ctx context.Context, want uint64, why string) error {
	got, err := s.ignored(ctx)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("ignored_events is %d, want %d: %s", got, want, why)
	}
	return nil
}

func repeated(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	root.node("fetch").ok()
	root.say(unknownHook)
	root.ok()
	b := w.batch()
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.deliver(b); err != nil {
		return err
	}
	before, err := s.ignored(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		st.seq, st.all = 0, nil
		if err := st.deliver(b); err != nil {
			return fmt.Errorf("when it came again: %w", err)
		}
	}
	if err := s.counts(ctx, before, "the batch was handled again"); err != nil {
		return err
	}
	if _, err := s.flush(ctx); err != nil {
		return err
	}
	return s.arrived(w, true)
}

// arrived says which span of w's scopes has not arrived at the sink, or, if only once
// is enough, has arrived more often.
func (s *session) arrived(w *script, once bool) error {
	var missing error
	for limit := time.Now().Add(s.target.timeout()); ; time.Sleep(again) {
		count, known := s.target.spans()
		if !known {
			return nil
		}
		missing = nil
		for _, span := range w.ended {
			id := fmt.Sprintf("%016x", span)
			switch n := count[id]; {
			case n == 0:
				missing = fmt.Errorf("the span %s has not arrived at the sink", id)
			case n > 1 && once:
				return fmt.Errorf("the span %s has arrived %d times at the sink", id, n)
			}
		}
		if missing == nil || time.Now().After(limit) {
			return missing
		}
	}
}

func firstNumber(ctx context.Context, s *session) error {
	w := newScript()
	w.seq = 57
	nested(w)
	if err := s.deliver(ctx, w.batches(4)...); err != nil {
		return err
	}
	return s.arrived(w, false)
}

func newEpoch(ctx context.Context, s *session) error {
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	for i := range uint64(3) {
		st.seq, st.all = 0, nil
		if err := st.deliver(counting(newScript(), 1)); err != nil {
			return err
		}
		if err := s.counts(ctx, i+1, "a batch of another epoch was taken for one that had come before"); err != nil {
			return err
		}
	}
	return nil
}

func nextStream(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	for _, b := range w.batches(6) {
		if err := s.deliver(ctx, b); err != nil {
			return fmt.Errorf("batch %d, on a stream of its own: %w", b.GetSeq(), err)
		}
	}
	return s.arrived(w, false)
}

func emptyBatch(ctx context.Context, s *session) error {
	w := newScript()
	empty := w.batch()
	empty.DroppedBefore = 12
	w.pipeline("daily").ok()
	return s.deliver(ctx, empty, w.batch())
}

// damage is one way in which a batch is malformed.
type damage struct {
	what string
	do   func(*pb.Batch)
}

const out = 100_000 // of range

var damages = []damage{
	{"a string index out of range", func(b *pb.Batch) { b.Nodes[0].Name = out }},
	{"a run index out of range", func(b *pb.Batch) { b.Events.Run[1] = out }},
	{"a node index out of range", func(b *pb.Batch) { b.Events.Node[1] = out }},
	{"the root pipeline's node index out of range", func(b *pb.Batch) { b.Runs[0].Node = out }},
	{"a column that is shorter than the others", func(b *pb.Batch) { b.Events.Span = b.Events.Span[1:] }},
	{"a missing column", func(b *pb.Batch) { b.Events.Kind = nil }},
	{"a position in Errors out of range", func(b *pb.Batch) { b.Errors.Event[0] = out }},
	{"a column of Errors that is shorter than the others", func(b *pb.Batch) { b.Errors.Message = nil }},
	{"a text of Errors out of range", func(b *pb.Batch) { b.Errors.Message[0] = out }},
	{"a text of Attributes out of range", func(b *pb.Batch) { b.Attributes.Value[0] = out }},
}

// damaged returns a batch of two runs with an error and an attribute, the second of
// which is damaged.
func damaged(w *script, d damage) *pb.Batch {
	root := w.pipeline("daily")
	root.say(unknownHook)
	n := root.node("fetch")
	n.fail(pb.Result_RESULT_FAILURE, "io", "no such file", "")
	root.end(pb.Result_RESULT_FAILURE, failure("io", "no such file", ""), attribute("spanloom.outputs", pb.Attributes_TYPE_JSON, `{}`))
	b := w.batch()
	d.do(b)
	return b
}

func malformed(ctx context.Context, s *session) error {
	w := newScript()
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	for _, d := range damages {
		b := damaged(w, d)
		st.all = nil
		if err := st.send(b); err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
		if err := st.await(b.GetSeq()); err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
		if st.refused() == nil {
			return fmt.Errorf("%s: the batch is acknowledged without an error", d.what)
		}
		if err := s.counts(ctx, 0, d.what+", and an event of the batch was handled"); err != nil {
			return err
		}
	}
	return nil
}

func afterMalformed(ctx context.Context, s *session) error {
	w := newScript()
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	bad := damaged(w, damages[0])
	if err := st.send(bad); err != nil {
		return err
	}
	if err := st.await(bad.GetSeq()); err != nil {
		return err
	}
	st.all = nil
	good := newScript()
	good.epoch, good.seq, good.order = w.epoch, w.seq, w.order
	nested(good)
	if err := st.deliver(good.batches(5)...); err != nil {
		return err
	}
	return s.arrived(good, false)
}

func malformedAlone(ctx context.Context, s *session) error {
	w := newScript()
	var list []*pb.Batch
	worst := uint64(0)
	for i := range 60 { // so many that a backend which takes several together does so
		if i%4 == 3 {
			b := damaged(w, damages[0])
			worst += uint64(len(b.GetEvents().GetHook()))
			list = append(list, b)
			continue
		}
		root := w.pipeline("daily")
		root.node("fetch").ok()
		root.ok()
		list = append(list, w.batch())
	}
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.send(list...); err != nil {
		return err
	}
	if err := st.await(uint64(len(list))); err != nil {
		return err
	}
	lost, from := uint64(0), uint64(0)
	for _, a := range st.all {
		switch {
		case a.GetError() == "":
		case a.GetLost() != nil:
			lost += a.GetLost().GetEvents()
		default:
			for _, b := range list[from:max(from, min(a.GetSeq(), uint64(len(list))))] {
				lost += uint64(len(b.GetEvents().GetHook()))
			}
		}
		from = max(from, a.GetSeq())
	}
	if lost > worst {
		return fmt.Errorf("%d events are said to be lost, and the malformed batches have %d", lost, worst)
	}
	return nil
}

func unknownHooks(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	n := root.node("fetch")
	n.say(unknownHook)
	n.say(pb.Hook_HOOK_UNSPECIFIED)
	n.ok()
	root.ok()
	if err := s.deliver(ctx, w.batch()); err != nil {
		return err
	}
	if err := s.counts(ctx, 2, "two events of the batch have a hook that is not known"); err != nil {
		return err
	}
	return s.arrived(w, false)
}

func unknownValues(ctx context.Context, s *session) error {
	w := newScript()
	root := w.pipeline("daily")
	root.inside(99, "later", "later").say(pb.Hook_HOOK_NODE_START)
	n := root.node("fetch")
	n.end(99, bits("later", 99, out), attribute("of.nobody", pb.Attributes_TYPE_STRING, "x"))
	w.events[len(w.events)-1].flags |= 1 << 20
	root.ok()
	return s.deliver(ctx, w.batch())
}

func unknownFields(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	b := w.batch()
	withUnknown(b)
	withUnknown(b.GetEvents())
	withUnknown(b.GetRuns()[0])
	withUnknown(b.GetNodes()[0])
	if err := s.deliver(ctx, b); err != nil {
		return err
	}
	return s.arrived(w, false)
}

func missingColumns(ctx context.Context, s *session) error {
	w := newScript()
	everything(w)
	b, ok := proto.Clone(w.batch()).(*pb.Batch)
	if !ok {
		return errors.New("the batch cannot be copied")
	}
	v := b.GetEvents()
	v.Runner, v.Queued = nil, nil
	c := b.GetCached()
	c.Span, c.TraceHi, c.TraceLo, c.Tier, c.Size = nil, nil, nil, nil, nil
	l := b.GetLookups()
	l.Tier, l.Stored = nil, nil
	b.GetRetries().Took = nil
	b.Counts = nil
	for i, h := range v.GetHook() {
		if h == pb.Hook_HOOK_MAP_ITEM_END {
			v.Attempts[i] = 0
		}
	}
	return s.deliver(ctx, b)
}

func openScopes(ctx context.Context, s *session) error {
	w := newScript()
	everything(w)
	if err := s.deliver(ctx, w.batches(7)...); err != nil {
		return err
	}
	h, err := s.health(ctx)
	if err != nil {
		return err
	}
	if n := h.GetOpenScopes(); n != 0 {
		return fmt.Errorf("open_scopes is %d", n)
	}
	return nil
}
