//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/jaegertest"
)

const waiting = 20 // items that wait for ever

// interrupted is the main of a program that works until it is told to stop, with an
// open span in each node, and says how long telemetry took to end.
func interrupted() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	tel, err := spanloom.Open(ctx)
	exitOn(err)
	begun := make(chan struct{}, waiting)
	work := engine.Node("work", func(ctx context.Context, n int) (int, error) {
		_, own := tel.TracerProvider().Tracer("shop").Start(ctx, "wait")
		defer own.End()
		begun <- struct{}{}
		<-ctx.Done()
		return 0, ctx.Err()
	})
	inner := engine.Define("inner", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, work, in)
	})
	p := engine.Define("endless", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Add(g, inner, in)
	})
	var trace string
	note := &callbacks.Funcs{PipelineStart: func(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
		trace = cc.TraceID().String()
	}}
	go func() {
		for range waiting {
			<-begun
		}
		fmt.Println(trace)
	}()
	_, err = p.Run(ctx, make([]int, waiting), engine.Config{Callbacks: append(tel.Callbacks(), note)})
	began := time.Now()
	lost := tel.Shutdown(context.Background())
	fmt.Println(time.Since(began))
	fmt.Println(err)
	if lost == nil {
		fmt.Println("nothing was lost")
	}
}

// TestInterruptedWithADeadCollector stops a program, whose one collector accepts
// connections and never answers, by a signal to it, or as a terminal does to it and
// its backends. It ends in time, says in one line what is lost, and the other
// backend has all spans, those that were open as cancelled.
func TestInterruptedWithADeadCollector(t *testing.T) {
	server := jaegertest.Start(t)
	dead := mute(t)
	const limit = 1500 * time.Millisecond
	for name, send := range map[string]func(pid int) error{
		"SIGTERM":        func(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) },
		"SIGTERM to all": func(pid int) error { return syscall.Kill(-pid, syscall.SIGTERM) },
		"SIGINT to all":  func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := again(t, "interrupted", fmt.Sprintf("  service: { name: shop }\n  shutdown_timeout: %s\n  backends:\n"+
				"    - { plugin: otlp, name: dead, config: { endpoint: %q } }\n"+
				"    - { plugin: otlp, name: alive, required: true, config: { endpoint: %q } }\n", limit, dead, server.OTLPEndpoint()))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			r := bufio.NewReader(stdout)
			first, _ := r.ReadString('\n')
			trace := strings.TrimSpace(first)
			if err := send(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			signalled := time.Now()
			rest, _ := io.ReadAll(r)
			ended := cmd.Wait()
			t.Logf("ended %s after the signal; it said %q and\n%s", time.Since(signalled).Round(time.Millisecond), rest, stderr.String())
			took, said, _ := strings.Cut(string(rest), "\n")
			d, err := time.ParseDuration(took)
			if ended != nil || err != nil || !strings.Contains(said, "signal received") || strings.Contains(said, "nothing was lost") {
				t.Fatalf("%v, %v: %s", ended, err, said)
			}
			if d > limit+250*time.Millisecond { // scheduling
				t.Errorf("telemetry took %s to end, which may take %s", d, limit)
			}
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			if len(lines) != 1 || !strings.Contains(lines[0], "dead") || !strings.Contains(lines[0], "lost") {
				t.Errorf("standard error has %d lines, want one of what is lost:\n%s", len(lines), stderr.String())
			}
			cancelled := 0
			spans := server.WaitTrace(t, trace, 2*waiting+3)
			for _, s := range spans {
				if s.ScopeName == ownScope && s.Attributes["spanloom.result"] == "cancellation" && s.StatusCode == codes.Unset && s.End.After(s.Start) {
					cancelled++
				}
			}
			if cancelled != waiting+3 || len(spans) != 2*waiting+3 {
				t.Errorf("%d of %d spans are cancelled, want run, pipeline, map and %d items", cancelled, len(spans), waiting)
			}
		})
	}
}
