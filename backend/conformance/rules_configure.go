package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const configuring = "configure"

var configureRules = []Rule{
	{
		ID: "configure", Area: configuring, check: configured(func(context.Context, *session) error { return nil }),
		Text: "Configure opens an instance with a config that is right: both fields of the answer that say of mistakes are empty.",
	},
	{
		ID: "configure-once", Area: configuring, check: configured(configuredTwice),
		Text: "A second Configure is refused with FAILED_PRECONDITION, and the instance goes on.",
	},
	{
		ID: "configure-first", Area: configuring, check: fresh(unconfigured),
		Text: "Before Configure no batch is acknowledged, and Configure is possible afterwards.",
	},
	{
		ID: "configure-not-an-object", Area: configuring, check: notAnObject,
		Text: "A config that is not a JSON object is refused by the answer: neither accepted nor a reason to fail the call or to end.",
	},
	{
		ID: "configure-mistakes", Area: configuring, check: mistakes,
		Text: "A mistake in the config comes back as a ConfigError with the path of its key, and a message.",
	},
	{
		ID: "configure-little", Area: configuring, check: fresh(littleSaid),
		Text: "Configure needs nothing but the config: an older host says nothing of the service, the terminal and the tracing.",
	},
	{
		ID: "configure-unknown-fields", Area: configuring, check: fresh(unknownInConfigure),
		Text: "Fields of a ConfigureRequest that are not known are ignored.",
	},
}

func configuredTwice(ctx context.Context, s *session) error {
	_, err := call(ctx, s.target.timeout(), "Configure", s.target.request(), s.rpc.Configure)
	if code := status.Code(err); err == nil || code != codes.FailedPrecondition {
		return fmt.Errorf("the answer to a second Configure is %s: %w", codeOf(err), orAccepted(err))
	}
	w := newScript()
	w.pipeline("daily").ok()
	if err := s.deliver(ctx, w.batch()); err != nil {
		return fmt.Errorf("after a second Configure: %w", err)
	}
	return nil
}

// codeOf returns the name of a call's status.
func codeOf(err error) string {
	if err == nil {
		return codes.OK.String()
	}
	return status.Code(err).String()
}

func orAccepted(err error) error {
	if err == nil {
		return errors.New("it was accepted")
	}
	return err
}

func unconfigured(ctx context.Context, s *session) error {
	w := newScript()
	w.pipeline("daily").ok()
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if st.send(w.batch()) == nil {
		ctx, cancel := limited(st.ctx, s.target.limit().patience) // a backend may wait for Configure
		defer cancel()
		if st.until(ctx, 1) == nil && st.refused() == nil {
			return errors.New("a batch was acknowledged before Configure")
		}
	}
	st.end()
	if err := s.configure(ctx); err != nil {
		return fmt.Errorf("after that: %w", err)
	}
	return nil
}

func notAnObject(ctx context.Context, t *Target) error {
	for _, config := range []string{`[]`, `"text"`, `{"`} {
		err := fresh(func(ctx context.Context, s *session) error {
			r := t.request()
			r.Config = []byte(config)
			a, err := call(ctx, t.timeout(), "Configure", r, s.rpc.Configure)
			if err != nil {
				return err
			}
			if a.GetError() == "" && len(a.GetErrors()) == 0 {
				return errors.New("it was accepted")
			}
			return s.alive(ctx)
		})(ctx, t)
		if err != nil {
			return fmt.Errorf("the config %s: %w", config, err)
		}
	}
	return nil
}

func mistakes(ctx context.Context, t *Target) error {
	if len(t.Mistakes) == 0 {
		return skip("needs a config with a mistake that only the backend sees")
	}
	for _, m := range t.Mistakes {
		err := fresh(func(ctx context.Context, s *session) error {
			r := t.request()
			r.Config = m.Config
			a, err := call(ctx, t.timeout(), "Configure", r, s.rpc.Configure)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(a.GetErrors(), func(e *pb.ConfigError) bool { return e.GetKey() == m.Key })
			switch {
			case i < 0:
				return fmt.Errorf("no ConfigError has the key %q; errors is %v and error is %q", m.Key, a.GetErrors(), short(a.GetError()))
			case a.GetErrors()[i].GetMessage() == "":
				return fmt.Errorf("the ConfigError of the key %q has no message", m.Key)
			}
			return s.alive(ctx)
		})(ctx, t)
		if err != nil {
			return fmt.Errorf("the config %s: %w", short(string(m.Config)), err)
		}
	}
	return nil
}

func littleSaid(ctx context.Context, s *session) error {
	if _, err := s.accepted(ctx, &pb.ConfigureRequest{Instance: "conformance", Config: s.target.config()}); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	return s.deliver(ctx, w.batch())
}

// unknownField is the number of a field that no message has.
const unknownField = 4711

// withUnknown adds a field that nobody knows to a message.
func withUnknown(m proto.Message) {
	raw := protowire.AppendTag(nil, unknownField, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendString(raw, "of a later version"))
}

func unknownInConfigure(ctx context.Context, s *session) error {
	r := s.target.request()
	withUnknown(r)
	withUnknown(r.GetService())
	withUnknown(r.GetTracing())
	_, err := s.accepted(ctx, r)
	return err
}
