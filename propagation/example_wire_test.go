package propagation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/propagation"
)

// A service that only others of ours can call continues their traces, and a
// client sends baggage to hosts that it knows.
func ExampleConfig() {
	config := propagation.Config{
		TrustIncoming: true,
		Hosts:         []string{"127.0.0.1", ".internal.example"},
	}
	server := httptest.NewServer(config.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("trace", trace.SpanContextFromContext(r.Context()).TraceID())
		fmt.Println("baggage", baggage.FromContext(r.Context()))
	})))
	defer server.Close()
	client := &http.Client{Transport: config.Transport(nil)}

	ctx := propagation.Extract(context.Background(), propagation.Map{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"baggage":     "user=anna",
	})
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	response, err := client.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	response.Body.Close()
	client.CloseIdleConnections()
	// Output:
	// trace 0af7651916cd43dd8448eb211c80319c
	// baggage user=anna
}

// What a stranger says is kept for a link. The run is a new root.
func ExampleIncoming() {
	message := propagation.Map{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"baggage":     "user=anna",
	}
	ctx := propagation.Config{}.Receive(context.Background(), message)

	_, joined := propagation.OTel{}.RunIdentity(ctx)
	from, known := propagation.Incoming(ctx)
	fmt.Println("part of that trace:", joined)
	fmt.Println("can be linked to it:", known, from.TraceID())
	fmt.Println("baggage:", baggage.FromContext(ctx).Len())
	// Output:
	// part of that trace: false
	// can be linked to it: true 0af7651916cd43dd8448eb211c80319c
	// baggage: 0
}

// The namespace travels as baggage, and becomes an attribute where it is allowed.
func ExampleWithNamespace() {
	ctx, err := propagation.WithNamespace(context.Background(), "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	message := propagation.Map{}
	propagation.Inject(ctx, message)
	fmt.Println(message["baggage"])

	config := propagation.Config{Baggage: []string{propagation.NamespaceKey}}
	for _, attribute := range config.Attributes(ctx) {
		fmt.Println(attribute.Key, "=", attribute.Value.AsString())
	}
	// Output:
	// spanloom.namespace=shop
	// spanloom.namespace = shop
}

// A child process finds the span in its environment.
func ExampleEnviron() {
	ctx := propagation.Extract(context.Background(), propagation.Map{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	})
	environment := []string{"LANG=C", "TRACEPARENT=of-an-older-trace"} // or cmd.Environ()

	for _, variable := range propagation.Environ(ctx, environment) {
		fmt.Println(variable)
	}
	// Output:
	// LANG=C
	// TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
}

// A program that was started by a traced one continues that trace.
func ExampleFromEnvironment() {
	ctx := propagation.FromEnvironment(context.Background()) // in main

	outer, ok := propagation.OTel{}.RunIdentity(ctx)
	fmt.Println(ok, outer.TraceID)
	// Output: false 00000000000000000000000000000000
}
