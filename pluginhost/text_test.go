//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
)

const canary = "e5b2secret"

// evil is text that a terminal, a log or a reader would stumble over.
var evil = "EVIL\x1b[31mred\u009b2J\u202ebidi\u2028line\xff\x00 " + canary + strings.Repeat("z", 100<<10) + "\nsecond line"

// liar is a backend that says evil things in one place.
type liar struct {
	pb.UnimplementedBackendServer
	where string
}

func (l *liar) launch(context.Context, *Spec) (*session, error) {
	switch l.where {
	case "launch":
		return nil, &StartError{Problem: NotFound, Detail: evil, Fix: evil, Stderr: []string{evil}, Err: &fs.PathError{Op: "open", Path: evil, Err: fs.ErrNotExist}}
	case "launch other":
		return nil, errors.New(evil)
	}
	g := grpc.NewServer()
	pb.RegisterBackendServer(g, l)
	return connectInMemory(g, func() {})
}

// wireText is evil as far as protobuf carries it.
func (l *liar) text(where string) string {
	if l.where != where {
		return ""
	}
	return strings.ToValidUTF8(evil, "\uFFFD")
}

func (l *liar) err(where string) error {
	if t := l.text(where); t != "" {
		return status.Error(codes.Internal, t[:4000])
	}
	return nil
}

func (l *liar) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	if l.where == "no answer" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &pb.DescribeResponse{ProtocolVersion: 1, Linger: 1e6}, l.err("describe")
}

func (l *liar) Configure(context.Context, *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	r := &pb.ConfigureResponse{Error: l.text("open error")}
	if t := l.text("config error"); t != "" {
		r.Errors = []*pb.ConfigError{{Key: t, Message: t}, {Key: t, Message: t}}
	}
	return r, l.err("configure")
}

func (l *liar) Stream(s grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	for {
		b, err := s.Recv()
		if err != nil {
			return err
		}
		if l.where == "end of stream" {
			return nil
		}
		if err := l.err("stream"); err != nil {
			return err
		}
		if err := s.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq(), Error: l.text("ack")}); err != nil {
			return err
		}
	}
}

func (l *liar) Flush(context.Context, *pb.FlushRequest) (*pb.FlushResponse, error) {
	return &pb.FlushResponse{Error: l.text("flush")}, l.err("flush call")
}

func (l *liar) Shutdown(context.Context, *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	return &pb.ShutdownResponse{Error: l.text("shutdown")}, l.err("shutdown call")
}

// harmless checks a text that leaves the host.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	if escape(text) != text {
		t.Errorf("%s is not escaped: %.200q", what, text)
	}
	if strings.Contains(text, canary) {
		t.Errorf("%s has a value of the environment: %.200q", what, text)
	}
	if len(text) > 6*maxText {
		t.Errorf("%s has %d bytes", what, len(text))
	}
}

// harmlessError checks err and all that can be reached from it.
func harmlessError(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	harmless(t, what+fmt.Sprintf(" (%T)", err), err.Error())
	if se, ok := errors.AsType[*StartError](err); ok {
		harmless(t, what+": detail", se.Detail)
		harmless(t, what+": fix", se.Fix)
		harmless(t, what+": stderr", strings.Join(se.Stderr, " "))
	}
	switch u := err.(type) { //nolint:errorlint // it walks along itself
	case interface{ Unwrap() error }:
		harmlessError(t, what, u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			harmlessError(t, what, e)
		}
	}
}

func TestTextOfABackendIsHarmless(t *testing.T) {
	for _, where := range []string{
		"launch", "launch other", "describe", "configure", "open error", "config error",
		"stream", "ack", "flush", "flush call", "shutdown",
	} {
		t.Run(where, func(t *testing.T) {
			h := start(t, Spec{
				Name: "x", Place: "dir\x1b[31m/spanloom.yaml:1:1", Launch: &liar{where: where},
				Redact: func(s string) string { return strings.ReplaceAll(s, canary, "${env:CANARY}") },
			})
			hooktest.Random(h, 1)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			harmlessError(t, "Flush", h.Flush(ctx))
			harmlessError(t, "Ready", h.Ready(ctx))
			harmlessError(t, "Shutdown", h.Shutdown(ctx))
			harmlessError(t, "Err", h.Err())
			for _, e := range backend.AsConfigErrors(h.Err()) {
				harmless(t, "key", e.Key)
				harmless(t, "message", e.Message)
			}
			line, ok := h.Lost()
			harmless(t, "line", line)
			if want := `EVIL\x1b[31mred\u009b2J\u202ebidi\u2028line`; where != "flush call" && (!ok || !strings.Contains(line, want)) {
				t.Errorf("no %s in %.300q", want, line)
			}
			if !strings.Contains(line, "${env:CANARY}") && where != "flush call" {
				t.Errorf("no reference in %.300q", line)
			}
			if where == "launch" && !errors.Is(h.Err(), fs.ErrNotExist) {
				t.Error("errors.Is does not find the cause")
			}
		})
	}
}

// What a backend says when it flushes or ends is told, though no event is counted
// as lost for it.
func TestErrorsThatAreNotOfABatchAreTold(t *testing.T) {
	for _, where := range []string{"flush", "shutdown"} {
		h := Start(Spec{Name: "x", Launch: &liar{where: where}})
		n := hooktest.Random(h, 1)
		flushOnly(t, h)
		err := h.Shutdown(t.Context())
		if where == "shutdown" && (err == nil || !strings.Contains(err.Error(), "EVIL")) {
			t.Errorf("Shutdown says %v", err)
		}
		line, ok := h.Lost()
		if s := h.Stats(); !ok || s.Delivered != uint64(n) || !strings.HasPrefix(line, `backend "x": events may be lost: EVIL`) {
			t.Errorf("%s: %.100q, %+v", where, line, s)
		}
	}
}

func TestTheEndOfAStreamInWords(t *testing.T) {
	h := start(t, Spec{Name: "x", Launch: &liar{where: "end of stream"}, restartDelay: time.Millisecond})
	hooktest.Random(h, 1)
	await(t, 5*time.Second, "given up", func() bool { return h.Stats().Dropped[ExportFailed] > 0 })
	shutdown(t, h, time.Second)
	lost(t, h, "the backend ended the connection")
}

func TestNoAnswerInWords(t *testing.T) {
	h := start(t, Spec{Name: "x", Launch: &liar{where: "no answer"}, StartTimeout: 50 * time.Millisecond})
	await(t, 5*time.Second, "down", func() bool { return h.Err() != nil })
	lost(t, h, "it was asked to say what it is and did not answer within 50ms")
}

func TestEmittedAfterShutdownInWords(t *testing.T) {
	h := Start(Spec{Name: "x", Launch: &liar{}})
	shutdown(t, h, time.Second)
	n := hooktest.Random(h, 1)
	if got := h.Stats().Dropped[AfterShutdown]; got != uint64(n) {
		t.Errorf("%d of %d", got, n)
	}
	lost(t, h, "lost: they were emitted after Shutdown")
}

// The cause is told when there was no time for the rest, too.
func TestTimeUpDoesNotHideTheCause(t *testing.T) {
	h := &Host{}
	for _, text := range []string{"connection refused", "flush: context canceled", "flush: context deadline exceeded", " \n"} {
		h.note(text)
	}
	if h.said != "connection refused" {
		t.Error(h.said)
	}
	h.note("no route")
	if h.said != "no route" {
		t.Error(h.said)
	}
	if got := h.why(&[reasons]units{reasonShutdown: {7}}, nil, h.said); got != "the backend did not take them in the time to shut down: no route" {
		t.Error(got)
	}
}
