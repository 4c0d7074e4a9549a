package catalog

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spanloom/spanloom/internal/bytesize"
	"github.com/spanloom/spanloom/manifest"
)

// TLSError is a file of a backend's tls that cannot be used.
type TLSError struct {
	// Key is that of tls which names the file.
	Key string
	err error
}

// Error implements error.
func (e *TLSError) Error() string { return e.err.Error() }

// TLS returns how a backend at an address is spoken to; nil for plain text. The error
// is a [*TLSError].
func TLS(b *manifest.Backend) (*tls.Config, error) {
	if !b.Secure() {
		return nil, nil //nolint:nilnil // as the documentation says
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: b.TLS.ServerName}
	if b.TLS.CA != "" {
		text, err := readPEM(b.TLS.CA)
		c.RootCAs = x509.NewCertPool()
		if err == nil && !c.RootCAs.AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in PEM form in it")
		}
		if err != nil {
			return nil, &TLSError{"ca", err}
		}
	}
	if b.TLS.Cert == "" {
		return c, nil
	}
	cert, err := readPEM(b.TLS.Cert)
	if err != nil {
		return nil, &TLSError{"cert", err}
	}
	key, err := readPEM(b.TLS.Key)
	if err != nil {
		return nil, &TLSError{"key", err}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, &TLSError{"cert", errors.New("certificate and key are not a pair in PEM form")}
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// maxPEM is the most bytes of a file: all the public roots are a fifth of it.
const maxPEM = 1 << 20

// readPEM reads a file. Its path stands in the manifest and is not repeated.
func readPEM(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("the path is not that of a file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	switch {
	case err != nil:
		return nil, errors.New("the file cannot be read")
	case len(text) > maxPEM:
		return nil, fmt.Errorf("the file is larger than %s", bytesize.Text(maxPEM))
	default:
		return text, nil
	}
}
