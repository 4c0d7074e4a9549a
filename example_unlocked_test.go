package spanloom_test

import (
	"context"
	"flag"
	"fmt"

	"github.com/spanloom/spanloom"
)

// A program with a flag for those who develop a backend.
func ExampleAllowUnlocked() {
	flags := flag.NewFlagSet("program", flag.ExitOnError)
	unlocked := flags.Bool("allow-unlocked", false, "start backends that spanloom.lock does not allow")
	_ = flags.Parse(nil) // os.Args[1:]

	var opts []spanloom.Option
	if *unlocked {
		opts = append(opts, spanloom.AllowUnlocked())
	}
	tel, err := spanloom.Open(context.Background(), opts...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tel.Shutdown(context.Background()))
	// Output: <nil>
}
