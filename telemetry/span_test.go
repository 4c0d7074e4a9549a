package telemetry

import (
	"reflect"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// TestNoPromotedMethod proves that span answers every method itself: one that
// belonged to the embedded nil would panic, in whatever exporter asks first.
func TestNoPromotedMethod(t *testing.T) {
	iface := reflect.TypeFor[sdktrace.ReadOnlySpan]()
	v := reflect.ValueOf(&span{})
	called := 0
	for m := range iface.Methods() {
		if !m.IsExported() {
			continue
		}
		called++
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s is not overridden: %v", m.Name, p)
				}
			}()
			v.MethodByName(m.Name).Call(nil)
		}()
	}
	if called < 17 {
		t.Errorf("%d methods were called, want at least 17", called)
	}
}
