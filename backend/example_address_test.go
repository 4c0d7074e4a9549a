package backend_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spanloom/spanloom/backend"
)

// serveAll serves a backend to all programs whose certificates the authority has signed.
func serveAll(b backend.Backend) error {
	cert, err := tls.LoadX509KeyPair("backend.pem", "backend.key")
	if err != nil {
		return err
	}
	authority, err := os.ReadFile("authority.pem")
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(authority)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return backend.ServeAddress(ctx, b, ":4444", &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	})
}

// A backend of many machines.
func ExampleServeAddress() {
	fmt.Println(serveAll(backend.Backend{Name: "mine"}))
	// Output: open backend.pem: no such file or directory
}
