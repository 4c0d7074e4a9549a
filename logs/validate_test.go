package logs

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

func TestValidValue(t *testing.T) {
	const bad, good = "a\xff", "a\uFFFD"
	for _, c := range []struct{ in, want attribute.Value }{
		{attribute.StringValue(bad), attribute.StringValue(good)},
		{attribute.StringSliceValue([]string{"x", bad}), attribute.StringSliceValue([]string{"x", good})},
		{attribute.SliceValue(attribute.IntValue(1), attribute.StringValue(bad)), attribute.SliceValue(attribute.IntValue(1), attribute.StringValue(good))},
		{attribute.MapValue(attribute.String(bad, bad), attribute.Int("n", 1)), attribute.MapValue(attribute.String(good, good), attribute.Int("n", 1))},
		{attribute.ByteSliceValue([]byte(bad)), attribute.ByteSliceValue([]byte(bad))}, // bytes are not text
	} {
		before := fmt.Sprintf("%q", c.in.AsInterface())
		if isText := c.in.Type() != attribute.BYTESLICE; isValid(c.in) == isText {
			t.Errorf("%s is said to be valid: %t", before, !isText)
		}
		if got := validValue(c.in); !reflect.DeepEqual(got.AsInterface(), c.want.AsInterface()) || !isValid(got) {
			t.Errorf("%s becomes %q, want %q", before, got.AsInterface(), c.want.AsInterface())
		}
		if after := fmt.Sprintf("%q", c.in.AsInterface()); after != before {
			t.Errorf("%s was changed to %s", before, after)
		}
	}
}

// TestValidRecordKeepsTheRest holds that what is made anew loses nothing.
func TestValidRecordKeepsTheRest(t *testing.T) {
	at := time.Unix(1, 2)
	var r log.Record
	r.SetEventName("event")
	r.SetTimestamp(at)
	r.SetObservedTimestamp(at.Add(1))
	r.SetSeverity(log.SeverityWarn)
	r.SetSeverityText("WARN")
	r.SetBody(attribute.StringValue("a\xff"))
	r.SetErr(fmt.Errorf("b\xff: %w", os.ErrNotExist))
	r.AddAttributes(attribute.Int("n", 1))
	got := validRecord(r)
	if got.EventName() != "event" || !got.Timestamp().Equal(at) || !got.ObservedTimestamp().Equal(at.Add(1)) ||
		got.Severity() != log.SeverityWarn || got.SeverityText() != "WARN" || got.AttributesLen() != 1 ||
		got.Body().AsString() != "a\uFFFD" {
		t.Errorf("%+v", got)
	}
	if err := got.Err(); err.Error() != "b\uFFFD: file does not exist" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error is %v", err)
	} else if got := err.(interface{ ErrorType() string }).ErrorType(); got != "*errors.errorString" {
		t.Errorf("its type is %s, want that of the error", got)
	}
}
