package spanloom_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
)

// A server whose runs are part of the traces of its requests.
func ExampleTelemetry_Propagation() {
	ctx := context.Background()
	tel, err := spanloom.Open(ctx, spanloom.WithEmbeddedManifest([]byte(`
version: "1"
telemetry:
  backends: [plugin: console]
  propagation: { trust_incoming: true } # of whoever calls; for an internal server
`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	stock := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("stock is asked in", r.Header.Get("Traceparent")[3:35]) // the trace id
	}))
	defer stock.Close()
	client := &http.Client{Transport: tel.Propagation().Transport(nil)}
	defer client.CloseIdleConnections()
	price := engine.Node("price", func(ctx context.Context, article string) (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, stock.URL+"/"+article, nil)
		if err != nil {
			return 0, err
		}
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		return 7, response.Body.Close()
	})
	shop := engine.Define("shop", func(g *engine.Graph, article engine.Value[string]) engine.Value[int] {
		return engine.Add(g, price, article)
	})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		price, err := shop.Run(r.Context(), r.URL.Query().Get("article"), engine.Config{Callbacks: tel.Callbacks()})
		fmt.Fprint(w, price, " ", err)
	})
	server := tel.Propagation().Middleware(handler) // for http.Server.Handler

	request := httptest.NewRequest(http.MethodGet, "/price?article=bread", nil)
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	response := httptest.NewRecorder()
	server.ServeHTTP(response, request)
	fmt.Println(response.Body)
	_ = tel.Shutdown(ctx) // when the server has ended, and with it all runs
	// Output:
	// stock is asked in 0af7651916cd43dd8448eb211c80319c
	// 7 <nil>
}
