package propagation

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"

	"github.com/spanloom/spanloom/callbacks"
)

func TestBaggageKeyIsKnown(t *testing.T) {
	if !bagKey.known {
		t.Fatal("the key of OpenTelemetry's baggage was not found: namespaces do not leave by themselves")
	}
}

// TestNamespaceOfRuns holds what baggage node code sends, without being asked to.
func TestNamespaceOfRuns(t *testing.T) {
	with := func(text string) context.Context {
		bag, err := baggage.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return baggage.ContextWithBaggage(context.Background(), bag)
	}
	full := make([]string, maxMembers)
	for i := range full {
		full[i] = "k" + strings.Repeat("x", i) + "=1"
	}
	for name, c := range map[string]struct {
		namespace string
		base      context.Context
		want      string
	}{
		"no other baggage":  {"shop", context.Background(), "spanloom.namespace=shop"},
		"beside others":     {"shop", with("user=ann"), "spanloom.namespace=shop user=ann"},
		"another wins":      {"shop", with("spanloom.namespace=bank"), "spanloom.namespace=bank"},
		"none":              {"", with("user=ann"), "user=ann"},
		"no room":           {"shop", with(strings.Join(full, ",")), ""},
		"not valid":         {"\xff", with("user=ann"), "user=ann"},
		"letters to escape": {"a b,c", context.Background(), "spanloom.namespace=a b,c"},
	} {
		o := OTel{Namespace: c.namespace}
		run := callbacks.NewRun(c.base, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "daily"}, Values: []callbacks.ContextValue{o}})
		bag := baggage.FromContext(context.WithValue(run, struct{ k int }{}, 1))
		if name == "no room" {
			if bag.Len() != maxMembers || bag.Member(NamespaceKey).Key() != "" {
				t.Errorf("%s: %d members", name, bag.Len())
			}
			continue
		}
		var got []string
		for _, key := range []string{NamespaceKey, "user"} {
			if m := bag.Member(key); m.Key() != "" {
				got = append(got, key+"="+m.Value())
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
		inner := callbacks.NewRun(run, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "inner"}, Values: []callbacks.ContextValue{OTel{Namespace: "other"}}})
		if c.namespace == "shop" && baggage.FromContext(inner).Member(NamespaceKey).Value() != bag.Member(NamespaceKey).Value() {
			t.Errorf("%s: a run inside has another namespace", name)
		}
	}
}
