package conformance

import (
	"context"
	"fmt"
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

// Verify checks all rules, and calls each with each result; each may be nil. An error
// says that the backend cannot be started, and so nothing of its rules, or that ctx
// has ended.
func Verify(ctx context.Context, t Target, each func(Result)) (*Report, error) {
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.describe(ctx)
	err = s.explain(err)
	s.free()
	if err != nil {
		return nil, err
	}
	rep := &Report{Backend: d.GetName(), Version: d.GetVersion()}
	for _, r := range Rules() {
		res := t.Check(ctx, r)
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
