package spanloom_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestABackendAtAnAddress is found by the manifest, with certificates on both sides.
func TestABackendAtAnAddress(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	a := otlptest.NewAuthority(t)
	serverCert, serverKey := a.Issue(t, "far.example")
	cert, key := a.Issue(t, "shop")
	write("ca.pem", a.PEM)
	write("shop.pem", cert)
	write("shop.key", key)
	pair, err := tls.X509KeyPair([]byte(serverCert), []byte(serverKey))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(a.PEM))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- backend.ServeAddress(ctx, lines, address, &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		})
	}()
	entry := "version: \"1\"\ntelemetry:\n  backends:\n    - { name: far, address: \"" + address + "\", "
	path := write("spanloom.yaml", entry+"tls: { ca: ./ca.pem, cert: ./shop.pem, key: ./shop.key, server_name: far.example } }\n")
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := double.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Error(err)
	}
	flush, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if err := tel.Flush(flush); err != nil {
		t.Error(err)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if st := tel.Stats()[0]; st.Delivered == 0 || st.Delivered != st.Emitted {
		t.Error(st.Ledger())
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}

	// A file that cannot be used is a mistake in the manifest.
	for text, want := range map[string]string{
		"tls: { ca: ./none.pem } }\n":                        "telemetry.backends[0].tls.ca: the file cannot be read: no such file or directory",
		"tls: { ca: ./shop.key } }\n":                        "telemetry.backends[0].tls.ca: there is no certificate in PEM form in it",
		"tls: { cert: ./ca.pem, key: ./shop.key } }\n":       "telemetry.backends[0].tls.cert: certificate and key are not a pair in PEM form",
		"tls: { cert: ./shop.pem, key: ./spanloom.yaml }}\n": "telemetry.backends[0].tls.cert: certificate and key are not a pair in PEM form",
	} {
		path := write("bad.yaml", entry+text)
		if _, err := spanloom.Open(t.Context(), spanloom.WithManifest(path)); err == nil || !strings.HasPrefix(err.Error(), path+":4:") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
