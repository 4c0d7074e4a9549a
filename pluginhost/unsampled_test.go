//go:build unix

package pluginhost

import (
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
	"github.com/spanloom/spanloom/privacy"
)

// TestUnsampledHooks: nothing is sent of a run that is not sampled, unless the spec
// says so.
func TestUnsampledHooks(t *testing.T) {
	for want, s := range map[callbacks.Hook]Spec{0: spec(t, testConfig{}), wire.Carried: spec(t, testConfig{})} {
		s.Unsampled = want != 0
		if got := start(t, s).UnsampledHooks(); got != want {
			t.Errorf("wants %s, want %s", got, want)
		}
	}
}

type value struct{ v any }

func (value) Len(int32) int       { return 1 }
func (s value) At(int32, int) any { return s.v }

// TestCapturedValues: without Capture no value is looked at; with it only text
// leaves the host, without what is secret.
func TestCapturedValues(t *testing.T) {
	v := callbacks.NewValues(value{map[string]string{"user": "ann", "password": "hunter2"}}, 0)
	for _, tc := range []struct {
		capture         privacy.Capture
		inputs, outputs string
	}{
		{privacy.Capture{}, "", ""},
		{privacy.Capture{Inputs: true}, `{"password":"[redacted]","user":"ann"}`, ""},
		{privacy.Capture{Outputs: true, Limit: 10}, "", `{"passw...`},
	} {
		h := &Host{spec: Spec{Capture: tc.capture}}
		if in, out := h.inputs(v), h.outputs(v); in != tc.inputs || out != tc.outputs {
			t.Errorf("%+v: inputs %s, outputs %s", tc.capture, in, out)
		}
		if got := h.inputs(callbacks.Values{}); got != "" {
			t.Errorf("of nothing: %s", got)
		}
	}
}
