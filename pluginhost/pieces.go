package pluginhost

import (
	"iter"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// lists are the numbers of the lists in which an OTLP request holds its telemetry,
// from the outside in: resources, scopes in them, and spans, metrics or log
// records in those. They are the same for the three signals.
var lists = [...]protoreflect.FieldNumber{1, 2, 2}

// pieces marshals a request of at most limit bytes, or several that hold the same.
// What cannot be split further is given as it is. The request is not changed.
func pieces(request proto.Message, limit int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		split(request, limit, yield)
	}
}

func split(m proto.Message, limit int, yield func([]byte, error) bool) bool {
	if proto.Size(m) > limit {
		if a, b, ok := halve(m.ProtoReflect(), lists[:]); ok {
			return split(a.Interface(), limit, yield) && split(b.Interface(), limit, yield)
		}
	}
	data, err := proto.Marshal(m)
	if err != nil { // a string is not valid UTF-8, for which all would be lost
		m = proto.Clone(m)
		mend(m.ProtoReflect())
		data, err = proto.Marshal(m)
	}
	return yield(data, err)
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

// mend makes all strings in m valid UTF-8. OTLP has no maps.
func mend(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch isText := fd.Kind() == protoreflect.StringKind; {
		case fd.IsMap():
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				mend(v.List().Get(i).Message())
			}
		case fd.IsList() && isText:
			for i := range v.List().Len() {
				v.List().Set(i, protoreflect.ValueOfString(valid(v.List().Get(i).String())))
			}
		case fd.IsList():
		case fd.Message() != nil:
			mend(v.Message())
		case isText && !utf8.ValidString(v.String()):
			m.Set(fd, protoreflect.ValueOfString(valid(v.String())))
		}
		return true
	})
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
