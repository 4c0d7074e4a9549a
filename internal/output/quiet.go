package output

import "context"

type quiet struct{}

// Quiet returns a context for a Shutdown whose caller tells itself what was lost.
func Quiet(ctx context.Context) context.Context { return context.WithValue(ctx, quiet{}, true) }

// IsQuiet reports whether ctx is of Quiet.
func IsQuiet(ctx context.Context) bool { return ctx.Value(quiet{}) != nil }
