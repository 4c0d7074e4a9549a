// Package otlpsplit cuts requests of the OpenTelemetry Protocol that are too large for
// a message.
package otlpsplit

import (
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// lists are the numbers of the lists in which an OTLP request holds its telemetry,
// from the outside in: resources, scopes in them, and spans, metrics or log
// records in those. They are the same for the three signals.
var lists = [...]protoreflect.FieldNumber{1, 2, 2}

// Split returns an export request of at most limit bytes as it is, or several, in
// order, that hold the same together. What cannot be cut further is given as it is: one
// span, metric or log record. The request is not changed; its parts share its contents.
func Split(request proto.Message, limit int) iter.Seq[proto.Message] {
	return func(yield func(proto.Message) bool) {
		split(request, limit, yield)
	}
}

func split(m proto.Message, limit int, yield func(proto.Message) bool) bool {
	if proto.Size(m) > limit {
		if a, b, ok := halve(m.ProtoReflect(), lists[:]); ok {
			return split(a.Interface(), limit, yield) && split(b.Interface(), limit, yield)
		}
	}
	return yield(m)
}

// halve returns two messages that share the contents of m: its list, or where that
// has one element only, the list in that.
func halve(m protoreflect.Message, lists []protoreflect.FieldNumber) (a, b protoreflect.Message, ok bool) {
	if len(lists) == 0 {
		return nil, nil, false
	}
	field := m.Descriptor().Fields().ByNumber(lists[0])
	if field == nil || !field.IsList() || field.Message() == nil {
		return nil, nil, false
	}
	list := m.Get(field).List()
	a, b = without(m, field), without(m, field)
	left, right := a.Mutable(field).List(), b.Mutable(field).List()
	switch n := list.Len(); n {
	case 0:
		return nil, nil, false
	case 1:
		x, y, ok := halve(list.Get(0).Message(), lists[1:])
		if !ok {
			return nil, nil, false
		}
		left.Append(protoreflect.ValueOfMessage(x))
		right.Append(protoreflect.ValueOfMessage(y))
	default:
		for i := range n {
			if i < n/2 {
				left.Append(list.Get(i))
			} else {
				right.Append(list.Get(i))
			}
		}
	}
	return a, b, true
}

// without returns a shallow copy of m without one field.
func without(m protoreflect.Message, field protoreflect.FieldDescriptor) protoreflect.Message {
	c := m.New()
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Number() != field.Number() {
			c.Set(fd, v)
		}
		return true
	})
	c.SetUnknown(m.GetUnknown())
	return c
}
