package propagation

import (
	"context"
	"runtime"
	"strings"

	"go.opentelemetry.io/contrib/propagators/envcar"
)

// FromEnvironment returns a context with the span and the baggage that the
// process was started with: the variables TRACEPARENT, TRACESTATE and BAGGAGE of
// OpenTelemetry's specification of environment variables as carriers. It is for
// main, before the first run. The limits are those of [Extract].
//
// The environment is trusted: whoever sets it has started the program.
func FromEnvironment(ctx context.Context) context.Context {
	return Extract(ctx, &envcar.Carrier{})
}

// Environ returns a copy of env, a list of the form NAME=value, in which a child
// process finds the span and the baggage of ctx:
//
//	cmd.Env = propagation.Environ(ctx, cmd.Environ())
//
// TRACEPARENT, TRACESTATE and BAGGAGE are replaced, or removed when ctx has
// nothing for them, with two exceptions. Without a span in ctx, TRACEPARENT and
// TRACESTATE stay. Without baggage in ctx, BAGGAGE stays while the child is part
// of the same trace as before. The environment of this process is not changed.
func Environ(ctx context.Context, env []string) []string {
	f := fieldsOf(ctx)
	list, was := split(env)
	was.clean(ctx)
	if f.parent == "" {
		f.parent, f.state = was.parent, was.state
	}
	if f.baggage == "" && sameTrace(f.parent, was.parent) {
		f.baggage = was.baggage
	}
	c := envcar.Carrier{SetEnvFunc: func(name, value string) { list = append(list, name+"="+value) }}
	for _, key := range f.Keys() {
		if value := f.Get(key); value != "" {
			c.Set(key, value)
		}
	}
	return list
}

// variables are the names of the fields in an environment, of which
// [envcar.Carrier] makes them too.
var variables = map[string]string{"TRACEPARENT": parentKey, "TRACESTATE": stateKey, "BAGGAGE": baggageKey}

// split returns a copy of env without our variables, and what they were.
func split(env []string) (rest []string, was fields) {
	rest = make([]string, 0, len(env)+len(variables))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if runtime.GOOS == "windows" { // where names are not told apart by case
			name = strings.ToUpper(name)
		}
		if key, ok := variables[name]; ok {
			was.Set(key, value) // of two, the last counts, as in os/exec
		} else {
			rest = append(rest, kv)
		}
	}
	return rest, was
}

// sameTrace reports whether two values of traceparent have the same trace id:
// the characters 3 to 34 in every version.
func sameTrace(a, b string) bool {
	const begin, end = 3, 35
	return a == b || len(a) > end && len(b) > end && a[begin:end] == b[begin:end]
}
