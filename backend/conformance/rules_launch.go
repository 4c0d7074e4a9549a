package conformance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const launching = "launch"

var launchRules = []Rule{
	{
		ID: "launch-cookie", Area: launching, Process: true, check: withoutCookie,
		Text: "Without the cookie of a host in its environment the program ends by itself, with a status other than 0 and no handshake.",
	},
	{
		ID: "launch-handshake", Area: launching, Process: true, check: handshakes,
		Text: "The first line on standard output is the handshake, within 5 s: 1|1|unix|PATH|grpc|CERTIFICATE.",
	},
	{
		ID: "launch-socket", Area: launching, Process: true, check: socket,
		Text: "The socket is in the directory that PLUGIN_UNIX_SOCKET_DIR names.",
	},
	{
		ID: "launch-mtls", Area: launching, Process: true, check: mutual,
		Text: "A client that does not have the certificate of PLUGIN_CLIENT_CERT is refused.",
	},
	{
		ID: "launch-version", Area: launching, Process: true, check: otherVersion,
		Text: "To a host that speaks none of its versions of the protocol the backend names one of its own, or ends; it claims none that it does not know.",
	},
	{
		ID: "launch-newer-host", Area: launching, Process: true, check: newerHost,
		Text: "To a host that also speaks versions of the protocol that the backend does not know, the handshake names the one that both speak.",
	},
	{
		ID: "launch-stdout", Area: launching, Process: true, check: quiet,
		Text: "Nothing but the handshake goes to standard output.",
	},
}

func withoutCookie(ctx context.Context, t *Target) error {
	p, err := t.spawn(func(dir string) []string {
		return []string{"PLUGIN_PROTOCOL_VERSIONS=" + current, "PLUGIN_UNIX_SOCKET_DIR=" + dir}
	})
	if err != nil {
		return err
	}
	defer p.kill()
	if !p.ended(ctx, t.limit().start) {
		return fmt.Errorf("the process still runs after %s", t.limit().start)
	}
	if _, err := parse(p.first); err == nil {
		return errors.New("the process printed a handshake")
	}
	if p.cmd.ProcessState.Success() {
		return errors.New("the process ended with status 0")
	}
	return nil
}

// shaken starts a process and reads its handshake.
func shaken(ctx context.Context, t *Target, f func(*process, handshake) error) error {
	p, err := t.launch(current)
	if err != nil {
		return err
	}
	defer p.kill()
	line, err := p.firstLine(ctx)
	if err != nil {
		return err
	}
	h, err := parse(line)
	if err != nil {
		return err
	}
	return f(p, h)
}

func handshakes(ctx context.Context, t *Target) error {
	return shaken(ctx, t, func(p *process, h handshake) error {
		if h.version != current {
			return fmt.Errorf("the second field of the handshake is %q, want %s", short(h.version), current)
		}
		if h.network != "unix" {
			return fmt.Errorf("the third field of the handshake is %q, want unix", short(h.network))
		}
		_, err := p.cert.config(h.cert)
		return err
	})
}

func socket(ctx context.Context, t *Target) error {
	return shaken(ctx, t, func(p *process, h handshake) error {
		if dir := filepath.Dir(h.address); h.network != "unix" || filepath.Clean(dir) != filepath.Clean(p.dir) {
			return fmt.Errorf("the socket is %s, and not in %s", short(h.address), p.dir)
		}
		return nil
	})
}

func mutual(ctx context.Context, t *Target) error {
	return shaken(ctx, t, func(p *process, h handshake) error {
		other, err := newIdentity()
		if err != nil {
			return err
		}
		config, err := other.config(h.cert)
		if err != nil {
			return err
		}
		none := config.Clone()
		none.Certificates = nil
		for _, c := range []struct {
			what  string
			creds credentials.TransportCredentials
		}{
			{"with another certificate", credentials.NewTLS(config)},
			{"without a certificate", credentials.NewTLS(none)},
			{"without TLS", insecure.NewCredentials()},
		} {
			conn, err := dial(h, c.creds)
			if err != nil {
				return err
			}
			_, err = call(ctx, t.timeout(), "Describe", &pb.DescribeRequest{}, pb.NewBackendClient(conn).Describe)
			_ = conn.Close()
			if err == nil {
				return fmt.Errorf("a client %s is answered", c.what)
			}
		}
		s, err := t.connect(ctx, p)
		if err != nil {
			return err
		}
		defer s.hangUp()
		if _, err := s.describe(ctx); err != nil {
			return fmt.Errorf("after that, with the right certificate: %w", err)
		}
		return nil
	})
}

// unknown is a version of the protocol that there is not.
const unknown = "4711"

func newerHost(ctx context.Context, t *Target) error {
	p, err := t.launch(unknown + "," + current)
	if err != nil {
		return err
	}
	defer p.kill()
	line, err := p.firstLine(ctx)
	if err != nil {
		return err
	}
	h, err := parse(line)
	if err != nil {
		return err
	}
	if h.version != current {
		return fmt.Errorf("the second field of the handshake is %q, want %s", short(h.version), current)
	}
	return nil
}

func otherVersion(ctx context.Context, t *Target) error {
	p, err := t.launch(unknown)
	if err != nil {
		return err
	}
	defer p.kill()
	line, err := p.firstLine(ctx)
	if err != nil || line == "" {
		if !p.ended(ctx, t.limit().start) {
			return fmt.Errorf("neither a handshake nor the end of the process within %s", t.limit().start)
		}
		if p.cmd.ProcessState.Success() {
			return errors.New("the process ended with status 0")
		}
		return nil
	}
	h, err := parse(line)
	if err != nil {
		return err
	}
	if h.version == unknown {
		return fmt.Errorf("the handshake claims version %s, which only the host has named", unknown)
	}
	return nil
}

func quiet(ctx context.Context, t *Target) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer s.free()
	if err := s.session(ctx); err != nil {
		return s.explain(err)
	}
	if _, err := s.shutdown(ctx); err != nil {
		return s.explain(err)
	}
	s.hangUp()
	if !s.proc.ended(ctx, t.limit().exit) {
		s.proc.kill()
	}
	if text := s.proc.rest.String(); text != "" {
		return fmt.Errorf("standard output has, after the handshake: %q", short(strings.TrimSpace(text)))
	}
	return nil
}

// session does what a host does while a run is going on.
func (s *session) session(ctx context.Context) error {
	if err := s.configure(ctx); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	if err := s.deliver(ctx, w.batches(4)...); err != nil {
		return err
	}
	_, err := s.flush(ctx)
	return err
}
