package privacy

import (
	"log/slog"
	"slices"
)

// Value returns the value of an attribute, a header or a variable with this name:
// [Mark] if the name is that of a secret, else [Redactor.Text] of it.
func (r *Redactor) Value(name, value string) string {
	if r.Key(name) {
		return Mark
	}
	return r.Text(value)
}

// Header returns a copy of the headers of HTTP or metadata of gRPC as they may be
// shown.
func (r *Redactor) Header(h map[string][]string) map[string][]string {
	shown := make(map[string][]string, len(h))
	for name, values := range h {
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = r.Value(name, v)
		}
		shown[r.Text(name)] = list
	}
	return shown
}

// Attr returns an attribute of a log record as it may be shown. It is made for
// [slog.HandlerOptions].ReplaceAttr, which gives it the text of a record too. What
// is neither a text, an error nor a number becomes the JSON of [Capture], of at
// most 4 KiB.
func (r *Redactor) Attr(groups []string, a slog.Attr) slog.Attr {
	if slices.ContainsFunc(groups, r.Key) || r.Key(a.Key) {
		return slog.String(a.Key, Mark)
	}
	a.Key = r.Text(a.Key)
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(r.Text(v.String()))
	case slog.KindGroup:
		inner := make([]slog.Attr, 0, len(v.Group()))
		for _, x := range v.Group() {
			inner = append(inner, r.Attr(nil, x))
		}
		a.Value = slog.GroupValue(inner...)
	case slog.KindAny:
		a.Value = r.logged(v.Any())
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if s := v.String(); r.Text(s) != s {
			a.Value = slog.StringValue(r.Text(s))
		} else {
			a.Value = v
		}
	default:
		a.Value = v
	}
	return a
}

func (r *Redactor) logged(v any) slog.Value {
	switch x := v.(type) {
	case nil, slog.Level, *slog.Source:
		return slog.AnyValue(v)
	case error:
		return slog.StringValue(r.Text(message(x)))
	default:
		const limit = 4 << 10
		return slog.StringValue(Capture{Limit: limit, Redactor: r}.JSON(v))
	}
}

// message returns the text of an error, whatever its method does.
func message(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = "<unserializable>"
		}
	}()
	return err.Error()
}
