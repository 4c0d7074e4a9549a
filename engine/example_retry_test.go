package engine_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleWithRetry() {
	errBusy, errDenied := errors.New("busy"), errors.New("access denied")
	fetch := engine.Node("fetch", func(ctx context.Context, url string) (string, error) {
		attempt := callbacks.FromContext(ctx).Attempt()
		switch {
		case url == "secret":
			return "", errDenied
		case attempt < 3:
			return "", errBusy
		default:
			return fmt.Sprintf("%s after %d attempts", url, attempt), nil
		}
	}, engine.WithRetry(engine.Retry{
		Attempts:  5,
		Delay:     time.Millisecond,
		Retryable: func(err error) bool { return !errors.Is(err, errDenied) },
	}))
	p := engine.Define("p", func(g *engine.Graph, url engine.Value[string]) engine.Value[string] {
		return engine.Add(g, fetch, url)
	})

	fmt.Println(p.Run(context.Background(), "page"))
	_, err := p.Run(context.Background(), "secret")
	fmt.Println(err)
	// Output:
	// page after 3 attempts <nil>
	// p/fetch: access denied
}
