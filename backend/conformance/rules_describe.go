package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

const describing = "describe"

var describeRules = []Rule{
	{
		ID: "describe-any-time", Area: describing, check: fresh(describedTwice),
		Text: "Describe is answered before Configure and after it, in the same way.",
	},
	{
		ID: "describe-name", Area: describing, check: described(func(d *pb.DescribeResponse) error {
			if !nameSyntax.MatchString(d.GetName()) {
				return fmt.Errorf("the name is %q; want lower-case letters, digits, - and _", short(d.GetName()))
			}
			return nil
		}),
		Text: "The name is of lower-case letters, digits, - and _.",
	},
	{
		ID: "describe-protocol", Area: describing, check: described(func(d *pb.DescribeResponse) error {
			if v := d.GetProtocolVersion(); v != wire.ProtocolVersion {
				return fmt.Errorf("protocol_version is %d, want %d", v, wire.ProtocolVersion)
			}
			return nil
		}),
		Text: "protocol_version is the version of the protocol that was agreed on: 1.",
	},
	{
		ID: "describe-linger", Area: describing, check: described(func(d *pb.DescribeResponse) error {
			if d.GetLinger() < 0 {
				return fmt.Errorf("linger is %d", d.GetLinger())
			}
			return nil
		}),
		Text: "linger is not negative.",
	},
	{
		ID: "describe-schema", Area: describing, check: described(func(d *pb.DescribeResponse) error {
			_, err := compile(d.GetConfigSchema())
			return err
		}),
		Text: "config_schema is empty, or a JSON Schema of draft 2020-12 that refers to no other document and is within the bounds of hosts.",
	},
	{
		ID: "describe-schema-config", Area: describing, check: schemaTakesConfig,
		Text: "config_schema takes a config with which the backend works.",
	},
}

var nameSyntax = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

func described(f func(*pb.DescribeResponse) error) func(context.Context, *Target) error {
	return fresh(func(ctx context.Context, s *session) error {
		d, err := s.describe(ctx)
		if err != nil {
			return err
		}
		return f(d)
	})
}

func describedTwice(ctx context.Context, s *session) error {
	before, err := s.describe(ctx)
	if err != nil {
		return fmt.Errorf("before Configure: %w", err)
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	after, err := s.describe(ctx)
	if err != nil {
		return fmt.Errorf("after Configure: %w", err)
	}
	if !proto.Equal(before, after) {
		return errors.New("the answers before and after Configure differ")
	}
	return nil
}

func schemaTakesConfig(ctx context.Context, t *Target) error {
	return described(func(d *pb.DescribeResponse) error {
		c, err := compile(d.GetConfigSchema())
		if err != nil {
			return skip("config_schema is not a schema")
		}
		if err := c.takes(t.config()); err != nil {
			return fmt.Errorf("it refuses the config %s: %w", short(string(t.config())), err)
		}
		return nil
	})(ctx, t)
}
