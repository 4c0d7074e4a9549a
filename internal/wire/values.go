package wire

import (
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/capture"
)

// The keys of captured values.
const (
	inputsKey  = "spanloom.inputs"
	outputsKey = "spanloom.outputs"
	labelKey   = "spanloom.map.item.label"
)

// starts are the hooks whose values are inputs.
const starts = callbacks.HookPipelineStart | callbacks.HookNodeStart | callbacks.HookMapStart | callbacks.HookMapItemStart

// values adds the text of an event's inputs or outputs.
func (e *Encoder) values(at uint32, hook callbacks.Hook, text string) {
	key := outputsKey
	if hook&starts != 0 {
		key = inputsKey
	}
	e.text(at, key, pb.Attributes_TYPE_JSON, text)
}

// text adds an attribute of an event.
func (e *Encoder) text(at uint32, key string, typ pb.Attributes_Type, text string) {
	if e.batch.Attributes == nil {
		e.batch.Attributes = &pb.Attributes{}
	}
	t := e.batch.Attributes
	t.Event = append(t.Event, at)
	t.Key = append(t.Key, e.intern(key))
	t.Type = append(t.Type, typ)
	t.Value = append(t.Value, uint64(e.intern(text)))
}

// captured is the text of values that stayed in the host: a callbacks.ValueSource
// of one capture.Text.
type captured string

func (captured) Len(int32) int       { return 1 }
func (c captured) At(int32, int) any { return capture.Text(c) }

// texts notes the captured values of a batch.
func (d *Decoder) texts(b *pb.Batch) {
	clear(d.captured)
	clear(d.labels)
	t := b.GetAttributes()
	for i, event := range t.GetEvent() {
		key := b.GetStrings()[t.GetKey()[i]]
		if key == labelKey && t.GetType()[i] == pb.Attributes_TYPE_STRING {
			if d.labels == nil {
				d.labels = map[uint32]string{}
			}
			d.labels[event] = b.GetStrings()[t.GetValue()[i]]
			continue
		}
		if t.GetType()[i] != pb.Attributes_TYPE_JSON || key != inputsKey && key != outputsKey {
			continue
		}
		if d.captured == nil {
			d.captured = map[uint32]captured{}
		}
		d.captured[event] = captured(b.GetStrings()[t.GetValue()[i]])
	}
}

// valuesOf returns what was captured of an event's values.
func (d *Decoder) valuesOf(i int) callbacks.Values {
	if len(d.captured) == 0 {
		return callbacks.Values{}
	}
	if text, ok := d.captured[uint32(i)]; ok {
		return callbacks.NewValues(text, 0)
	}
	return callbacks.Values{}
}
