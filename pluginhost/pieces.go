package pluginhost

import (
	"iter"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/spanloom/spanloom/internal/otlpsplit"
)

// pieces marshals a request of at most limit bytes, or several that hold the same.
// What cannot be split further is given as it is. The request is not changed.
func pieces(request proto.Message, limit int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for m := range otlpsplit.Split(request, limit) {
			data, err := proto.Marshal(m)
			if err != nil { // a string is not valid UTF-8, for which all would be lost
				m = proto.Clone(m)
				mend(m.ProtoReflect())
				data, err = proto.Marshal(m)
			}
			if !yield(data, err) {
				return
			}
		}
	}
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
