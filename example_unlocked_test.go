package spanloom_test

import (
	"context"
	"flag"
	"fmt"

	"github.com/spanloom/spanloom"
)

// openTelemetry opens telemetry for a program that is started with these arguments: those of
// os.Args[1:].
func openTelemetry(ctx context.Context, args []string) (*spanloom.Telemetry, error) {
	flags := flag.NewFlagSet("program", flag.ExitOnError)
	unlocked := flags.Bool("allow-unlocked", false, "start backends that spanloom.lock does not allow")
	_ = flags.Parse(args)

	var opts []spanloom.Option
	if *unlocked {
		opts = append(opts, spanloom.AllowUnlocked())
	}
	return spanloom.Open(ctx, opts...)
}

// A program with a flag for those who develop a backend.
func ExampleAllowUnlocked() {
	tel, err := openTelemetry(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tel.Shutdown(context.Background()))
	// Output: <nil>
}
