package otlpredact

import (
	"strconv"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/spanloom/spanloom/privacy"
)

func (c *cleaner) text(s *string) {
	if shown := c.redactor.Text(*s); shown != *s {
		c.found = true
		if c.write {
			*s = shown
		}
	}
}

func (c *cleaner) attributes(list []*commonpb.KeyValue) {
	for _, kv := range list {
		if c.done() {
			return
		}
		if said, ok := c.kept[kv.GetKey()]; ok && said == kv.GetValue().GetStringValue() {
			continue
		}
		if c.redactor.Key(kv.GetKey()) {
			c.mark(kv)
		} else {
			c.value(kv.GetValue())
		}
		c.text(&kv.Key)
	}
}

// mark hides the value of a name that is secret.
func (c *cleaner) mark(kv *commonpb.KeyValue) {
	if kv.GetValue().GetStringValue() == privacy.Mark {
		return // somebody has
	}
	c.found = true
	if c.write {
		kv.Value = &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: privacy.Mark}}
	}
}

func (c *cleaner) value(v *commonpb.AnyValue) {
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		c.text(&x.StringValue)
	case *commonpb.AnyValue_BytesValue:
		c.other(v, string(x.BytesValue))
	case *commonpb.AnyValue_IntValue:
		c.other(v, strconv.FormatInt(x.IntValue, 10))
	case *commonpb.AnyValue_DoubleValue:
		c.other(v, strconv.FormatFloat(x.DoubleValue, 'f', -1, 64))
	case *commonpb.AnyValue_ArrayValue:
		for _, e := range x.ArrayValue.GetValues() {
			c.value(e)
		}
	case *commonpb.AnyValue_KvlistValue:
		c.attributes(x.KvlistValue.GetValues())
	}
}

// other makes v a text, if what it is in writing is secret.
func (c *cleaner) other(v *commonpb.AnyValue, written string) {
	shown := written
	if c.text(&shown); c.write && shown != written {
		v.Value = &commonpb.AnyValue_StringValue{StringValue: shown}
	}
}
