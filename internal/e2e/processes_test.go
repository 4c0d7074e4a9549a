//go:build unix

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/jaegertest"
	"github.com/spanloom/spanloom/propagation"
)

// place is where a node of another process says that it is.
type place struct{ Trace, Root, Parent, Node, Own, Namespace string }

// bill is the pipeline of another process: its node opens a span and says where it
// is.
func bill(tel *spanloom.Telemetry) *engine.Pipeline[int, place] {
	node := engine.Node("charge", func(ctx context.Context, _ int) (place, error) {
		cc := callbacks.FromContext(ctx)
		ctx, own := tel.TracerProvider().Tracer("bank").Start(ctx, "transfer")
		defer own.End()
		root := cc.Root()
		return place{
			Trace: cc.TraceID().String(), Root: root.SpanID().String(), Parent: root.ParentSpanID().String(),
			Node: cc.SpanID().String(), Own: own.SpanContext().SpanID().String(),
			Namespace: baggage.FromContext(ctx).Member(propagation.NamespaceKey).Value(),
		}, nil
	})
	return engine.Define("bill", func(g *engine.Graph, n engine.Value[int]) engine.Value[place] {
		return engine.Add(g, node, n)
	})
}

// service is the main of a program that others call: over HTTP until its standard
// input ends, or once, as a job, when there is an argument.
func service() {
	ctx := context.Background()
	tel, err := spanloom.Open(ctx)
	exitOn(err)
	pipeline := bill(tel)
	charge := func(ctx context.Context, w io.Writer) {
		out, err := pipeline.Run(ctx, 1, engine.Config{Callbacks: tel.Callbacks()})
		exitOn(err)
		exitOn(json.NewEncoder(w).Encode(out))
	}
	if len(os.Args) > 1 {
		charge(ctx, os.Stdout)
	} else {
		server := httptest.NewServer(tel.Propagation().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			charge(r.Context(), w)
		})))
		fmt.Println(server.URL)
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Close()
	}
	exitOn(tel.Shutdown(ctx))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// again is this binary as a program with a manifest.
func again(t *testing.T, program, telemetry string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), programVariable+"="+program, "SPANLOOM_MANIFEST="+manifest(t, telemetry))
	cmd.Stderr = t.Output()
	return cmd
}

// TestOneTraceInSeveralProcesses has a node that calls a service over HTTP, and one
// that starts a job: both are programs with telemetry of their own, and a Jaeger has
// one trace with all. A service that trusts nobody has one of its own.
func TestOneTraceInSeveralProcesses(t *testing.T) {
	server := jaegertest.Start(t)
	section := func(service, propagation string) string {
		return fmt.Sprintf("  service: { name: %s }\n  propagation: %s\n  backends:\n    - plugin: otlp\n      config: { endpoint: %q }\n",
			service, propagation, server.OTLPEndpoint())
	}
	trusting, url := serve(t, again(t, "service", section("bank", "{ trust_incoming: true }")))
	wary, waryURL := serve(t, again(t, "service", section("stranger", "{ trust_incoming: false }")))

	tel := open(t, section("shop", "{ hosts: [127.0.0.1] }"))
	client := &http.Client{Transport: tel.Propagation().Transport(&http.Transport{DisableKeepAlives: true})}
	call := engine.Node("call", func(ctx context.Context, url string) (place, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
		if err != nil {
			return place{}, err
		}
		response, err := client.Do(request)
		if err != nil {
			return place{}, err
		}
		defer response.Body.Close()
		var there place
		return there, decode(response.Body, &there)
	})
	start := engine.Node("start", func(ctx context.Context, _ string) (place, error) {
		cmd := again(t, "service", section("job", "{}"), "once")
		cmd.Env = propagation.Environ(ctx, cmd.Env)
		out, err := cmd.Output()
		if err != nil {
			return place{}, err
		}
		var there place
		return there, decode(strings.NewReader(string(out)), &there)
	})
	here := map[string]string{} // by path, span ids of the nodes
	note := &callbacks.Funcs{
		NodeStart: func(cc *callbacks.CallbackContext, _ callbacks.NodeStart) { here[cc.Name()] = cc.SpanID().String() },
	}
	ctx, err := propagation.WithNamespace(t.Context(), "fruit")
	if err != nil {
		t.Fatal(err)
	}
	run := func(step engine.Step[string, place], in string) (there place, trace string) {
		t.Helper()
		note.PipelineStart = func(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) { trace = cc.TraceID().String() }
		p := engine.Define("order", func(g *engine.Graph, in engine.Value[string]) engine.Value[place] {
			return engine.Add(g, step, in)
		})
		there, err := p.Run(ctx, in, engine.Config{Callbacks: append(tel.Callbacks(), note)})
		if err != nil {
			t.Fatal(err)
		}
		return there, trace
	}
	overHTTP, trace1 := run(call, url)
	callNode := here["call"]
	byEnvironment, trace2 := run(start, "")
	elsewhere, trace3 := run(call, waryURL)
	strangerCaller := here["call"]
	for _, end := range []func() error{trusting, wary, func() error { return tel.Shutdown(t.Context()) }} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}

	for name, one := range map[string]struct {
		there                  place
		trace, node, namespace string
		service                string
	}{
		"HTTP":        {overHTTP, trace1, callNode, "fruit", "bank"},
		"environment": {byEnvironment, trace2, here["start"], "", "job"},
	} {
		if one.there.Trace != one.trace || one.there.Parent != one.node {
			t.Errorf("%s: %+v is not below %s in %s", name, one.there, one.node, one.trace)
		}
		if one.namespace != "" && one.there.Namespace != one.namespace {
			t.Errorf("%s: the namespace is %q", name, one.there.Namespace)
		}
		spans := map[string]jaegertest.Span{}
		for _, s := range server.WaitTrace(t, one.trace, 5) {
			spans[s.SpanID] = s
		}
		if len(spans) != 5 {
			t.Errorf("%s: %d spans, want run and node here; run, node and a span of the node there", name, len(spans))
		}
		for id, parent := range map[string]string{one.there.Own: one.there.Node, one.there.Node: one.there.Root, one.there.Root: one.node} {
			if s := spans[id]; s.ParentSpanID != parent || s.Service != one.service {
				t.Errorf("%s: %s of %s is below %s, want %s of %s", name, s.Name, s.Service, s.ParentSpanID, parent, one.service)
			}
		}
		if s := spans[one.node]; s.Service != "shop" || s.End.Before(spans[one.there.Own].End) {
			t.Errorf("%s: %+v does not contain what it called", name, s)
		}
	}
	if elsewhere.Trace == trace3 || elsewhere.Parent != strings.Repeat("0", 16) || elsewhere.Namespace != "" {
		t.Errorf("a service that trusts nobody: %+v, called in %s", elsewhere, trace3)
	}
	for _, s := range server.WaitTrace(t, elsewhere.Trace, 3) {
		for _, link := range s.Links { // a way back is allowed, no other
			if s.SpanID != elsewhere.Root || link.TraceID != trace3 || link.SpanID != strangerCaller {
				t.Errorf("%s has a link to %+v", s.Name, link)
			}
		}
	}
}

func decode(r io.Reader, into any) error { return json.NewDecoder(r).Decode(into) }

// serve starts a service and returns its URL, and what ends it.
func serve(t *testing.T, cmd *exec.Cmd) (end func() error, url string) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() error {
		ended = true
		_ = stdin.Close()
		return cmd.Wait()
	}
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = end()
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return end, strings.TrimSpace(line)
}
