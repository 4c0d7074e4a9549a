package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/telemetry"
)

func ExampleFanout() {
	exporter := tracetest.NewInMemoryExporter() // or any other of the SDK
	spans := telemetry.NewCallback(telemetry.Exporters{
		Spans:  exporter,
		Fanout: telemetry.Fanout{Items: telemetry.FailedAndSlowItems, Max: 3},
	})

	square := engine.Node("square", func(_ context.Context, n int) (int, error) {
		switch n {
		case 500:
			return 0, errors.New("not today")
		case 7, 70:
			time.Sleep(20 * time.Millisecond)
		}
		return n * n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, square, list, engine.ContinueOnError())
	})
	list := make([]int, 1000)
	for i := range list {
		list[i] = i
	}
	_, err := p.Run(context.Background(), list, engine.Config{Callbacks: []callbacks.PipelineCallback{spans}})
	fmt.Println(err)

	if err := spans.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range exporter.GetSpans() {
		for _, kv := range s.Attributes {
			if kv.Key == "spanloom.path" || kv.Key == "spanloom.map.left_out.count" {
				fmt.Println(s.Name, kv.Value.String())
			}
		}
	}
	_ = spans.Shutdown(context.Background())
	// Output:
	// p/square: 1 of 1000 items failed
	// 	p/square[500]: not today
	// map_item square p/square[7]
	// map_item square p/square[70]
	// map_item square p/square[500]
	// map square p/square
	// map square 997
}

func ExampleSampler() {
	exporter := tracetest.NewInMemoryExporter()
	spans := telemetry.NewCallback(telemetry.Exporters{
		Spans: exporter,
		Keep:  telemetry.Keep{Failed: true},
	})
	cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{
		telemetry.Sampler{Ratio: 0}, // 0.1 is one run of ten
		spans,
	}}

	check := engine.Node("check", func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errors.New("negative")
		}
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, check, n)
	})
	for _, n := range []int{1, 2, -3} {
		_, err := p.Run(context.Background(), n, cfg)
		fmt.Println(err)
	}

	if err := spans.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range exporter.GetSpans() {
		fmt.Println(s.Name, s.Status.Description)
	}
	_ = spans.Shutdown(context.Background())
	// Output:
	// <nil>
	// <nil>
	// p/check: negative
	// node check negative
	// pipeline p p/check: negative
}
