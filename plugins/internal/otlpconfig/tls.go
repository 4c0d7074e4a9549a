package otlpconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spanloom/spanloom/internal/bytesize"
)

// tlsFiles are paths, or PEM texts themselves. A relative path starts at the
// working directory of the program, as those of the environment do.
type tlsFiles struct {
	CA         *string `json:"ca"`
	Cert       *string `json:"cert"`
	Key        *Secret `json:"key"`
	ServerName *string `json:"server_name"`
}

// maxPEM is the most bytes of a file: all the public roots are a fifth of it.
const maxPEM = 1 << 20

// tls returns the client's side of TLS; nil for plain text. There is no way to
// leave the server's certificate unchecked: a certificate that its own company
// signed is given as ca, a name that is not the host's as server_name.
func (r *resolver) tls(files tlsFiles, e Endpoint, known bool) *tls.Config {
	if known && !e.Secure() {
		if files != (tlsFiles{}) {
			r.faultf("tls", "", "the endpoint is plain text; write https://, or leave tls out")
		}
		return nil // certificates of the environment are for other programs
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca, source := r.value(files.CA, "CERTIFICATE"); files.CA != nil || source != "" {
		cfg.RootCAs = r.roots(ca, source)
	}
	if files.ServerName != nil {
		cfg.ServerName = *files.ServerName
		if cfg.ServerName == "" || strings.ContainsAny(cfg.ServerName, "/:@ ") {
			r.faultf("tls.server_name", "", "write the name in the server's certificate, without a scheme or port")
		}
	}
	if pair := r.pair(files); pair != nil {
		cfg.Certificates = []tls.Certificate{*pair}
	}
	return cfg
}

func (r *resolver) roots(ca, source string) *x509.CertPool {
	text, fault := readPEM(ca)
	pool := x509.NewCertPool()
	if fault == "" && !pool.AppendCertsFromPEM(text) {
		fault = "there is no certificate in PEM form in it"
	}
	if fault != "" {
		r.faultf("tls.ca", source, "%s", fault)
	}
	return pool
}

// pair returns the client's certificate, if there is to be one.
func (r *resolver) pair(files tlsFiles) *tls.Certificate {
	var cert, key, certSource, keySource string
	if files.Cert != nil || files.Key != nil {
		switch {
		case files.Key == nil:
			r.faultf("tls.cert", "", "a certificate needs its key; write tls.key too")
			return nil
		case files.Cert == nil:
			r.faultf("tls.key", "", "a key needs its certificate; write tls.cert too")
			return nil
		}
		cert, key = *files.Cert, files.Key.Reveal()
	} else {
		cert, certSource = r.env("CLIENT_CERTIFICATE")
		key, keySource = r.env("CLIENT_KEY")
		switch {
		case certSource == "" && keySource == "":
			return nil
		case keySource == "":
			r.faultf("tls.cert", certSource, "a certificate needs its key; set %sCLIENT_KEY too", prefix)
			return nil
		case certSource == "":
			r.faultf("tls.key", keySource, "a key needs its certificate; set %sCLIENT_CERTIFICATE too", prefix)
			return nil
		}
	}
	certText, certFault := readPEM(cert)
	keyText, keyFault := readPEM(key)
	if certFault != "" {
		r.faultf("tls.cert", certSource, "%s", certFault)
	}
	if keyFault != "" {
		r.faultf("tls.key", keySource, "%s", keyFault)
	}
	if certFault != "" || keyFault != "" {
		return nil
	}
	pair, err := tls.X509KeyPair(certText, keyText)
	if err != nil {
		r.faultf("tls.cert", certSource, "certificate and key are not a pair in PEM form")
		return nil
	}
	return &pair
}

// readPEM returns a PEM text that is given itself or by the path of its file, or
// what is wrong with it. The path is not repeated: it stands in the manifest.
func readPEM(s string) (text []byte, fault string) {
	if strings.Contains(s, "-----BEGIN ") {
		return []byte(s), ""
	}
	if strings.TrimSpace(s) == "" {
		return nil, "it is empty; write the path of a file, or leave the key out"
	}
	f, err := os.OpenFile(s, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return nil, "the file cannot be read: " + reason(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, "the path is not that of a file"
	}
	text, err = io.ReadAll(io.LimitReader(f, maxPEM+1))
	switch {
	case err != nil:
		return nil, "the file cannot be read: " + reason(err)
	case len(text) > maxPEM:
		return nil, "the file is larger than " + bytesize.Text(maxPEM)
	}
	return text, ""
}

// reason is an error of a file without the path.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return "it failed"
}
