package manifest

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// checkAddress checks what the schema cannot say of a backend at an address.
func (p *parser) checkAddress(i int, entry map[string]any) {
	text, ok := entry["address"].(string)
	tls := at[map[string]any](entry, "tls")
	if !ok {
		if _, here := entry["tls"]; here {
			pl := entryPlace(p, i, "tls")
			p.errorf(pl.key, pl.path, "is for a backend at an address; the connection to one that the program starts is always secure")
		}
		return
	}
	pl := entryPlace(p, i, "address")
	if text == "" || p.broken[pl.node] {
		return
	}
	if _, here := entry["env"]; here {
		pl := entryPlace(p, i, "env")
		p.errorf(pl.key, pl.path, "is for a backend that the program starts; set variables where this one runs")
	}
	if fault := addressFault(text); fault != "" {
		p.errorf(pl.node, pl.path, "%q %s", p.shown(pl.node), fault)
		return
	}
	insecure := at[bool](tls, "insecure")
	_, cert := tls["cert"]
	_, key := tls["key"]
	switch {
	case insecure && len(tls) > 1:
		pl := entryPlace(p, i, "tls", "insecure")
		p.errorf(pl.node, pl.path, "is plain text, and excludes the other keys of tls; keep one of both")
	case cert && !key:
		pl := entryPlace(p, i, "tls", "cert")
		p.errorf(pl.node, pl.path, "a certificate needs its key; write tls.key too")
	case key && !cert:
		pl := entryPlace(p, i, "tls", "key")
		p.errorf(pl.node, pl.path, "a key needs its certificate; write tls.cert too")
	}
}

// addressFault says what is wrong with an address.
func addressFault(text string) string {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return "needs an absolute path behind unix:"
		}
		return ""
	}
	const form = "is not an address; write host:port, such as telemetry.example.com:4444, or unix: and a path"
	host, port, err := net.SplitHostPort(text)
	if n, portErr := strconv.Atoi(port); err != nil || host == "" || strings.ContainsAny(host, "/@ ") || portErr != nil || n < 1 || n > 65535 {
		return form
	}
	return ""
}

// Secure reports whether a backend at an address is spoken to by TLS.
func (b *Backend) Secure() bool {
	if b.TLS.Insecure {
		return false
	}
	return b.TLS != (TLS{}) || !Local(b.Address)
}

// Local reports whether an address is on this machine: a Unix socket, localhost, or an
// address of the loopback interface.
func Local(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// tlsPaths are the keys of tls that are paths.
var tlsPaths = []string{"ca", "cert", "key"}

// tlsFiles makes the paths of a backend's tls absolute.
func (p *parser) tlsFiles(entry any) {
	tls := at[map[string]any](entry, "tls")
	for name, value := range tls {
		if path, _ := value.(string); path != "" && slices.Contains(tlsPaths, name) {
			tls[name] = p.abs(path)
		}
	}
}
