package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// Report is what the checks of all rules have found.
type Report struct {
	// Backend is the backend's name, and Version its own version.
	Backend string `json:"backend"`
	Version string `json:"version"`
	// Passed, Failed and Skipped count the results.
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Results []Result `json:"results"`
}

// RefusedError says that the backend does not work with the config of its target.
type RefusedError struct {
	// Config is the config.
	Config json.RawMessage
	// Key is the path of the key that is wrong, such as "tls.ca"; "" when the backend
	// does not say.
	Key string
	// Message says what is wrong.
	Message string
}

func (e *RefusedError) Error() string {
	said := e.Message
	if e.Key != "" {
		said = e.Key + ": " + said
	}
	return fmt.Sprintf("it refuses the config %s: %s", short(string(e.Config)), said)
}

// Verify checks all rules, and calls each with each result; each may be nil. An error
// says nothing of the rules: the backend cannot be started, or refuses the config, which
// is a [*RefusedError], or ctx has ended.
func Verify(ctx context.Context, t Target, each func(Result)) (*Report, error) {
	d, err := t.meet(ctx)
	if err != nil {
		return nil, err
	}
	rep := &Report{Backend: d.GetName(), Version: d.GetVersion()}
	check, end := t.Start(ctx)
	defer end()
	for _, r := range Rules() {
		res := check(r)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		switch res.Outcome {
		case Passed:
			rep.Passed++
		case Failed:
			rep.Failed++
		case Skipped:
			rep.Skipped++
		}
		rep.Results = append(rep.Results, res)
		if each != nil {
			each(res)
		}
	}
	return rep, nil
}

// meet returns what the backend says of itself, when it takes the config. A call of
// Configure that fails breaks a rule, which says so.
func (t *Target) meet(ctx context.Context) (*pb.DescribeResponse, error) {
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.free()
	d, err := s.describe(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	_, err = s.accepted(ctx, t.request())
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return nil, refused
	}
	return d, nil
}
